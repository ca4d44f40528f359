//! A virtual Nitrokey 3 over its FIDO interface, on a private bus.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

mod attachments;
mod codes;
mod faults;
mod interference;
mod pin;
mod touch;

use std::time::Duration;

use oathbridge::dbus::names::ROOT;
use oathbridge::virt::VirtualToken;
use testkit::client::{Client, Options, Refusal};
use testkit::scenario::{Scenario, World};
use tokio::task::JoinHandle;

/// A generous timeout that only a failure reaches.
const TIMEOUT: Duration = Duration::from_secs(30);

const SERIAL: u32 = 0x0102_0304;

/// The id of the key's token.
const TOKEN: &str = "ykoath_01020304";

/// A key with a credential that requires a touch, one that does not, and one with a counter.
const KEY: &str = "[[token]]
serial = 16909060
model = 'nitrokey-3'
touch = 'never'
credential = [
    { issuer = 'AWS', account = 'alice', digits = 8, seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' },
    { account = 'touched', touch = true, seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' },
    { account = 'counter', type = 'hotp', seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' },
]
";

/// The handle of a call's operation.
const HANDLE: &str = "mine";

/// The daemon, and the key.
struct Bench {
    world: World,
    key: VirtualToken,
}

impl Bench {
    async fn new() -> Self {
        Self::with(KEY).await
    }

    async fn with(token: &str) -> Self {
        let config = "[pcsc]\nenabled = false\n";
        let world = Scenario::inside().virtual_tokens(token).config(config).start().await.unwrap();
        let key = world.daemon.as_ref().unwrap().virtual_token(SERIAL).unwrap();
        // The call waits until every device has been read.
        world.client.find(&[]).await.unwrap();
        Self { world, key }
    }

    fn client(&self) -> &Client {
        &self.world.client
    }

    async fn credential(&self, account: &str) -> String {
        self.client().credential(account).await.unwrap()
    }

    async fn code(&self, account: &str) -> String {
        self.call(account, Options::new()).await.await.unwrap().unwrap()
    }

    /// The name of the error of `Calculate`.
    async fn refusal(&self, account: &str) -> String {
        self.call(account, Options::new()).await.await.unwrap().unwrap_err().name
    }

    /// A call of `Calculate` that runs beside the test.
    async fn call(&self, account: &str, options: Options<'static>) -> JoinHandle<Result<String, Refusal>> {
        let (credential, client) = (self.credential(account).await, self.client().clone());
        tokio::spawn(async move { client.calculate(&credential, options).await.map(|reply| reply.code) })
    }

    /// A call of `Calculate` for the credential that requires a touch, when the key waits for it.
    async fn touching(&self, options: Options<'static>) -> JoinHandle<Result<String, Refusal>> {
        let call = self.call("touched", options).await;
        self.wait(|key| key.wait_until_it_wants_a_touch(TIMEOUT)).await;
        call
    }

    /// Waits on a thread for the virtual key.
    async fn wait(&self, condition: impl FnOnce(&VirtualToken) -> bool + Send + 'static) {
        let key = self.key.clone();
        assert!(tokio::task::spawn_blocking(move || condition(&key)).await.unwrap());
    }

    /// Waits until the key has received the command of a calculation, and moves the clock.
    async fn pass_in_calculation(&self, messages: usize, time: Duration) {
        self.wait(move |key| key.wait_for_fido_messages(messages, TIMEOUT)).await;
        self.world.clock().unwrap().advance(time);
    }

    /// The number of messages after the next calculation was sent: SELECT and CALCULATE.
    fn in_calculation(&self) -> usize {
        self.key.fido_messages() + 2
    }

    fn operation(&self) -> String {
        let name = self.client().connection().unique_name().unwrap().to_string();
        format!("{ROOT}/operations/{}/{HANDLE}", name.trim_start_matches(':').replace('.', "_"))
    }
}

fn named() -> Options<'static> {
    Options::from([("handle-token", HANDLE.into())])
}
