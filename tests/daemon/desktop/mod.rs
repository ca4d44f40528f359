//! Desktop services, mocked by python-dbusmock: notifications, locked screens, suspend.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

mod bus;
mod logind;
mod notifications;
mod service_manager;
mod session;
mod slow;

use std::time::Duration;

use oathbridge::virt::{self, Card};
use testkit::bus::PrivateBus;
use testkit::client::{Client, Options, Refusal};
use testkit::daemon::{Daemon, Stage};
use testkit::pcscd::PrivatePcscd;
use tokio::task::JoinHandle;

const DAEMON: &str = env!("CARGO_BIN_EXE_oathbridged");
const SOON: Duration = Duration::from_secs(30);

const TOKEN: &str = "[[token]]
serial = 31415926
password = 'correct horse'
touch = 'never'
credential = [
    { issuer = 'AWS <b>', account = 'alice', seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ', touch = true },
    { issuer = 'AWS', account = 'bob', seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' },
]
";

/// A daemon with an unlocked token, on a private session bus and a private system bus.
struct Bench {
    stage: Stage,
    system: PrivateBus,
    _pcscd: PrivatePcscd,
    card: Card,
    daemon: Option<Daemon>,
    client: Client,
    token: String,
}

impl Bench {
    /// Everything except the daemon.
    async fn prepare(config: &str) -> Self {
        let card = Card::new(&virt::parse(TOKEN).unwrap()[0]);
        let mut pcscd = PrivatePcscd::start(1).unwrap();
        pcscd.insert(0, &card).unwrap();
        let mut stage = Stage::new(DAEMON).unwrap();
        let system = PrivateBus::start().unwrap();
        stage.set_variable("DBUS_SYSTEM_BUS_ADDRESS", system.address());
        stage.use_pcscd(&pcscd);
        stage.configure(config).unwrap();
        let client = stage.client().await.unwrap();
        Self { stage, system, _pcscd: pcscd, card, daemon: None, client, token: String::new() }
    }

    async fn start(mut self) -> Self {
        self.daemon = Some(self.stage.start(&self.client).await.unwrap());
        let (_, locked) = self.client.find(&[]).await.unwrap();
        self.token = locked[0].clone();
        self.unlock().await;
        self
    }

    async fn unlock(&self) {
        self.client.unlock(&self.token, "correct horse").await.unwrap();
    }

    /// Unlocks the token as soon as the daemon allows it.
    async fn until_unlocked(&self) {
        for _ in 0..1000 {
            if self.client.unlock(&self.token, "correct horse").await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("the token can't be unlocked");
    }

    async fn calculating(&self, account: &str, options: Options<'static>) -> JoinHandle<Result<(), Refusal>> {
        let credential = self.client.credential(account).await.unwrap();
        let client = self.client.clone();
        tokio::spawn(async move { client.calculate(&credential, options).await.map(drop) })
    }

    async fn wants_a_touch(&self) {
        let card = self.card.clone();
        assert!(tokio::task::spawn_blocking(move || card.wait_until_it_wants_a_touch(SOON)).await.unwrap());
    }
}
