//! Requests that were provably not sent: the code stays unspent.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use oathbridge::clock::ManualClock;
use oathbridge::cognito::{Cause, Client, Delivered, Endpoint, ErrorKind, Region, Settings};
use testkit::own_process;

use crate::rig::{Rig, endpoint, patient, verdict};

const UNSENT: (ErrorKind, Delivered) = (ErrorKind::Network, Delivered::No);

/// An address without a server.
fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

#[tokio::test]
async fn a_refused_connection_sends_nothing() {
    let rig = Rig::new();
    let client = rig.client_at(&format!("http://{}", nobody()), &patient());
    let failure = rig.failure(&client, &rig.token()).await;
    assert_eq!((verdict(&failure), failure.cause), (UNSENT, Some(Cause::Refused)));
}

#[tokio::test]
async fn a_name_that_does_not_exist_sends_nothing() {
    let rig = Rig::new();
    // RFC 6761 §6.4: a name below .invalid never exists.
    let client = rig.client_at("https://cognito.invalid", &patient());
    let failure = rig.failure(&client, &rig.token()).await;
    assert_eq!((verdict(&failure), failure.cause), (UNSENT, Some(Cause::Name)));
}

#[tokio::test]
async fn an_unreachable_proxy_sends_nothing() {
    let rig = Rig::new();
    let settings = Settings { proxy: Some(format!("http://me:canary@{}", nobody())), ..patient() };
    let client = rig.client_at("https://cognito.invalid", &settings);
    assert!(!format!("{client:?}").contains("canary"));
    let failure = rig.failure(&client, &rig.token()).await;
    assert_eq!((verdict(&failure), failure.cause), (UNSENT, Some(Cause::Refused)));
}

#[tokio::test]
async fn a_proxy_that_refuses_the_tunnel_sends_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = Some(format!("http://{}", listener.local_addr().unwrap()));
    let asked = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let head: Vec<_> = BufReader::new(stream.try_clone().unwrap())
            .lines()
            .map(Result::unwrap)
            .take_while(|line| !line.is_empty())
            .collect();
        stream.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n").unwrap();
        head
    });
    let rig = Rig::new();
    let client = rig.client_at("https://cognito.invalid", &Settings { proxy, ..patient() });
    let failure = rig.failure(&client, &rig.token()).await;
    assert_eq!((verdict(&failure), failure.cause), (UNSENT, Some(Cause::Proxy)));
    let head = asked.join().unwrap();
    assert!(head[0].starts_with("CONNECT cognito.invalid:443 "), "{head:?}");
}

#[tokio::test]
async fn a_proxy_that_resets_the_connection_is_told_as_the_proxy() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = Some(format!("http://{}", listener.local_addr().unwrap()));
    let asked = thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        // Closing such a socket resets the connection.
        rustix::net::sockopt::set_socket_linger(&stream, Some(Duration::ZERO)).unwrap();
        let mut lines = BufReader::new(stream).lines().map(Result::unwrap);
        lines.by_ref().find(|line| line.is_empty()).unwrap()
    });
    let rig = Rig::new();
    let client = rig.client_at("https://cognito.invalid", &Settings { proxy, ..patient() });
    let failure = rig.failure(&client, &rig.token()).await;
    assert_eq!((verdict(&failure), failure.cause), (UNSENT, Some(Cause::Proxy)));
    asked.join().unwrap();
}

/// Through a proxy an unencrypted request to loopback would leave this machine.
#[test]
fn requests_to_loopback_do_not_use_the_proxy_of_the_environment() {
    let proxy = format!("http://{}", nobody());
    let mut program = Command::new(std::env::current_exe().unwrap());
    program
        .envs(["HTTP_PROXY", "http_proxy", "ALL_PROXY"].map(|name| (name, &proxy)))
        .env_remove("NO_PROXY")
        .env_remove("no_proxy");
    own_process::run_with(&mut program, "answers::a_success_has_session_request_id_and_clock_skew").unwrap();
}

#[tokio::test]
async fn a_server_without_a_tls_handshake_times_out() {
    // The kernel accepts the connection, but no server answers the handshake.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let rig = Rig::new();
    let settings = Settings { connect_timeout: Duration::from_millis(300), ..patient() };
    let client = rig.client_at(&format!("https://{}", listener.local_addr().unwrap()), &settings);
    let failure = rig.failure(&client, &rig.token()).await;
    assert_eq!((verdict(&failure), failure.cause), (UNSENT, Some(Cause::Timeout)));
}

#[tokio::test]
async fn a_server_that_closes_during_the_handshake_gets_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || drop(listener.accept().unwrap()));
    let rig = Rig::new();
    let client = rig.client_at(&format!("https://{address}"), &patient());
    let failure = rig.failure(&client, &rig.token()).await;
    assert_eq!((verdict(&failure), failure.cause), (UNSENT, Some(Cause::Closed)));
    server.join().unwrap();
}

#[test]
fn unusable_settings_send_nothing() {
    let at_url = endpoint("https://cognito.example");
    let region = Endpoint { region: Some(Region::parse("eu-central-1").unwrap()), url: None };
    let proxy = |url: &str| Settings { proxy: Some(url.to_owned()), ..patient() };
    for (settings, endpoint) in [
        (patient(), Endpoint::default()),
        (Settings { fips: true, ..patient() }, at_url.clone()),
        (Settings { dual_stack: true, ..patient() }, at_url),
        (proxy("socks5://proxy.example"), region.clone()),
        (proxy("proxy.example:3128"), region.clone()),
    ] {
        let clock = Arc::new(ManualClock::at(Duration::ZERO));
        let error = Client::new(&settings, &endpoint, clock).unwrap_err();
        assert_eq!(verdict(&error), (ErrorKind::Config, Delivered::No), "{settings:?}");
    }
    for settings in [
        patient(),
        Settings { fips: true, dual_stack: true, ..patient() },
        proxy("http://me:secret@proxy.example:3128"),
    ] {
        let clock = Arc::new(ManualClock::at(Duration::ZERO));
        Client::new(&settings, &region, clock).unwrap();
    }
}
