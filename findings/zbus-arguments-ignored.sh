#!/usr/bin/env bash
# zbus 6.2.1 serves a call whose arguments the method does not have, if the Rust function has no parameter but self.
#
# The signature of the message is compared only while the arguments are read. A function without a parameter reads none, so
# the call succeeds with any arguments, as `Peer.Ping` and `Peer.GetMachineId` do. A function with the special parameter
# #[zbus(header)] has the same D-Bus signature and the same introspection data; the same call to it fails with
# org.freedesktop.DBus.Error.InvalidArgs. A service that counts on the refusal has to check each kind of method.
#
# Needs cargo and its registry. Exits with 0 while the behaviour is as described.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/src"
cd "$work"
cat >Cargo.toml <<'TOML'
[package]
name = "arguments"
version = "0.0.0"
edition = "2024"

[dependencies]
zbus = { version = "=6.2.1", default-features = false, features = ["tokio", "p2p", "service"] }
tokio = { version = "1", features = ["macros", "rt", "net"] }
TOML
cat >src/main.rs <<'RUST'
use std::error::Error;

use zbus::{DBusError, Guid};
use zbus::connection::Builder;
use zbus::message::Header;

struct Service;

#[zbus::interface(name = "org.example.Arguments")]
impl Service {
    fn bare(&self) {}

    fn with_header(&self, #[zbus(header)] _header: Header<'_>) {}
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
    let server = Builder::unix_stream(ours).server(Guid::generate()).p2p().serve_at("/", Service).build();
    let client = Builder::unix_stream(theirs).p2p().build();
    let (server, client) = tokio::try_join!(server, client)?;
    let interface = "org.example.Arguments";
    for (interface, member) in
        [(interface, "Bare"), (interface, "WithHeader"), ("org.freedesktop.DBus.Peer", "Ping")]
    {
        let answer = client.call_method(None::<&str>, "/", Some(interface), member, &(7_u32, "text")).await;
        let answer = match answer {
            Ok(_) => "served".to_owned(),
            Err(zbus::Error::MethodError(name, ..)) => name.to_string(),
            Err(zbus::Error::FDO(error)) => error.name().to_string(),
            Err(other) => return Err(other.into()),
        };
        println!("{member}(us): {answer}");
    }
    drop(server);
    Ok(())
}
RUST
cargo run --quiet | tee answers
diff answers - <<'ANSWERS'
Bare(us): served
WithHeader(us): org.freedesktop.DBus.Error.InvalidArgs
Ping(us): served
ANSWERS
