//! A virtual Token2 PIN+ over its FIDO interface, and as a card behind a real pcscd.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

mod card;
mod codes;
mod faults;
mod pin;
mod serial;
mod touch;

use std::time::Duration;

use oathbridge::dbus::names::ROOT;
use oathbridge::virt::VirtualToken;
use testkit::client::{Client, Options, Refusal};
use testkit::scenario::{Scenario, World};
use tokio::task::JoinHandle;

/// A generous timeout that only a failure reaches.
const TIMEOUT: Duration = Duration::from_secs(30);

const SERIAL: u32 = 86_104_123;

/// The serial number as the key reports it, and the id of its token.
const SHOWN_SERIAL: &str = "00000086104123";
const TOKEN: &str = "token2_00000086104123";

/// A key with an entry of each kind.
const KEY: &str = "[[token]]
serial = 86104123
model = 'token2-pin-plus'
touch = 'never'
credential = [
    { issuer = 'AWS', account = 'alice', digits = 8, seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' },
    { account = 'touched', touch = true, seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' },
    { account = 'minute', period = 60, algorithm = 'SHA256', seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' },
    { issuer = 'VPN', account = 'counter', type = 'hotp', seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' },
]
";

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
        Self { world, key }.read().await
    }

    /// The key as a card behind a real pcscd.
    async fn on_reader(token: &str) -> Self {
        let world = Scenario::inside().cards(token).start().await.unwrap();
        let key = world.card().unwrap().clone();
        Self { world, key }.read().await
    }

    /// The call waits until every device has been read.
    async fn read(self) -> Self {
        self.world.client.find(&[]).await.unwrap();
        self
    }

    fn client(&self) -> &Client {
        &self.world.client
    }

    fn set_time(&self, seconds: u64) {
        self.world.clock().unwrap().set_unix_time(Duration::from_secs(seconds));
    }

    async fn token<T: TryFrom<zbus::OwnedVariant>>(&self, property: &str) -> T {
        self.client().property(&format!("{ROOT}/tokens/{TOKEN}"), "Token", property).await.unwrap()
    }

    async fn has_token(&self) -> bool {
        let objects = self.client().objects().await.unwrap();
        objects.keys().any(|path| path.starts_with(&format!("{ROOT}/tokens/")))
    }

    async fn credential(&self, account: &str) -> String {
        self.client().credential(account).await.unwrap()
    }

    async fn code(&self, account: &str, options: Options<'static>) -> Result<String, Refusal> {
        self.call(account, options).await.await.unwrap()
    }

    /// The name of the error of `Calculate`.
    async fn refusal(&self, account: &str) -> String {
        self.code(account, Options::new()).await.unwrap_err().name
    }

    /// A call of `Calculate` that runs beside the test.
    async fn call(&self, account: &str, options: Options<'static>) -> JoinHandle<Result<String, Refusal>> {
        let (credential, client) = (self.credential(account).await, self.client().clone());
        tokio::spawn(async move { client.calculate(&credential, options).await.map(|reply| reply.code) })
    }

    /// Waits on a thread for the virtual key.
    async fn wait(&self, condition: impl FnOnce(&VirtualToken) -> bool + Send + 'static) {
        let key = self.key.clone();
        assert!(tokio::task::spawn_blocking(move || condition(&key)).await.unwrap());
    }

    /// Pulls the key out and plugs it in; `prepare` changes it in between.
    async fn replug(&self, prepare: impl FnOnce(&VirtualToken)) {
        self.world.unplug(&self.key).await.unwrap();
        prepare(&self.key);
        self.world.plug(&self.key).await.unwrap();
        self.client().find(&[]).await.unwrap();
    }
}

fn advance() -> Options<'static> {
    Options::from([("advance-counter", true.into())])
}
