//! Identity and permissions of callers: real programs, sandboxed and not, against a running daemon.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

mod descriptors;
mod limits;
mod programs;
mod sandboxes;
mod securing;
mod submissions;

use std::ops::Deref;
use std::process::Command;

use oathbridge::dbus::names::{self, ROOT};
use testkit::scenario::{Scenario, World};

const DAEMON: &str = env!("CARGO_BIN_EXE_oathbridged");

const TOKEN: &str = "[[token]]
serial = 31415926
credential = [{ issuer = 'AWS', account = 'alice', seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' }]
";

struct Bench {
    world: World,
    alice: String,
}

/// The outcome of a program's call.
struct Run {
    code: i32,
    said: String,
}

impl Bench {
    async fn new(config: &str) -> Self {
        Self::of(Scenario::program(DAEMON), config).await
    }

    async fn of(scenario: Scenario, config: &str) -> Self {
        let config = format!("[pcsc]\nenabled = false\n{config}");
        let world = scenario.virtual_tokens(TOKEN).config(&config).start().await.unwrap();
        let alice = world.client.credential("alice").await.unwrap();
        Self { world, alice }
    }

    async fn reload(&self, config: &str) {
        self.configure(&format!("[pcsc]\nenabled = false\n{config}")).unwrap();
        self.client.call::<_, ()>(ROOT, "Manager", "Reload", &()).await.unwrap();
    }

    /// Runs busctl with this command prefix.
    fn busctl(&self, before: &[&str], path: &str, interface: &str, call: &[&str]) -> Run {
        let mut words = before.to_vec();
        let (address, interface) =
            (format!("--address={}", self.stage.address()), format!("{}.{interface}", names::BUS));
        words.extend(["busctl", address.as_str(), "call", names::BUS, path, interface.as_str()]);
        words.extend(call);
        let output = Command::new(words[0]).args(&words[1..]).output().unwrap();
        let said =
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        Run { code: output.status.code().unwrap_or(-1), said }
    }

    fn info(&self, before: &[&str]) -> String {
        let run = self.busctl(before, ROOT, "Manager", &["GetCallerInfo"]);
        assert_eq!(run.code, 0, "{}", run.said);
        run.said
    }

    fn calculate(&self, before: &[&str]) -> Run {
        self.busctl(before, &self.alice, "Credential", &["Calculate", "a{sv}", "0"])
    }
}

impl Deref for Bench {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}
