//! Desktop services, mocked by python-dbusmock: notifications, locked screens, suspend.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

mod broken_bus;
mod bus;
mod logind;
mod notifications;
mod service_manager;
mod session;
mod slow;
mod start;

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use oathbridge::virt::VirtualToken;
use testkit::client::{Options, Refusal};
use testkit::patience;
use testkit::scenario::{Scenario, World};
use tokio::task::JoinHandle;

const DAEMON: &str = env!("CARGO_BIN_EXE_oathbridged");
const EVENT_TIMEOUT: Duration = Duration::from_secs(60);

const TOKEN: &str = "[[token]]
serial = 31415926
password = 'correct horse'
touch = 'never'
credential = [
    { issuer = 'AWS <b>', account = 'alice', seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ', touch = true },
    { issuer = 'AWS', account = 'bob', seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' },
]
";

async fn until(what: &str, is_true: impl AsyncFnMut() -> bool) {
    patience::until(what, is_true).await.unwrap();
}

/// A daemon with an unlocked token, on a private session bus and a private system bus.
struct Bench {
    world: World,
    card: VirtualToken,
    token: String,
}

impl Bench {
    /// Everything except the daemon.
    async fn prepare(config: &str) -> Self {
        let world = Scenario::inside().cards(TOKEN).config(config).system_bus().prepare().await.unwrap();
        let card = world.card().unwrap().clone();
        Self { world, card, token: String::new() }
    }

    async fn start(mut self) -> Self {
        self.start_daemon().await.unwrap();
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
        let unlocked = async || self.client.unlock(&self.token, "correct horse").await.is_ok();
        until("the token can be unlocked", unlocked).await;
    }

    /// The same of a token that was not asked for before.
    async fn until_found_unlocked(&self) {
        let (_, locked) = self.client.find(&[]).await.unwrap();
        let unlocked = async || self.client.unlock(&locked[0], "correct horse").await.is_ok();
        until("the token can be unlocked", unlocked).await;
    }

    async fn calculating(&self, account: &str, options: Options<'static>) -> JoinHandle<Result<(), Refusal>> {
        let credential = self.client.credential(account).await.unwrap();
        let client = self.client.clone();
        tokio::spawn(async move { client.calculate(&credential, options).await.map(drop) })
    }

    async fn wants_a_touch(&self) {
        let card = self.card.clone();
        assert!(
            tokio::task::spawn_blocking(move || card.wait_until_it_wants_a_touch(EVENT_TIMEOUT))
                .await
                .unwrap()
        );
    }
}

impl Deref for Bench {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

impl DerefMut for Bench {
    fn deref_mut(&mut self) -> &mut World {
        &mut self.world
    }
}
