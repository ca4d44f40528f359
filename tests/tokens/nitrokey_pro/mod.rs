//! A virtual Nitrokey Pro over its HID interface, on a private bus.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that panics has failed")]

mod clock;
mod codes;
mod faults;
mod pin;
mod sessions;

use std::time::Duration;

use oathbridge::dbus::names::ROOT;
use oathbridge::virt::VirtualToken;
use testkit::client::{Client, Options, Refusal};
use testkit::scenario::{Scenario, World};

/// A generous timeout that only a failure reaches.
const TIMEOUT: Duration = Duration::from_secs(30);

const SERIAL: u32 = 24_337;

/// The id of the key's token.
const TOKEN: &str = "nitrokeypro_00005f11";

/// A key with two credentials for time steps, and one with a counter.
const KEY: &str = "[[token]]
serial = 24337
model = 'nitrokey-pro'
credential = [
    { issuer = 'AWS', account = 'alice', digits = 8, seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' },
    { account = 'minute', period = 60, seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' },
    { account = 'counter', type = 'hotp', seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' },
]
";

/// Commands of the key.
/// The response to this one replaces a code that the key shows.
const READ_NAME: u8 = 0x02;
const READ_SLOT: u8 = 0x03;
const GET_CODE: u8 = 0x04;
const SET_TIME: u8 = 0x0b;
const AUTHENTICATE: u8 = 0x0e;

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
        let config = "[pcsc]\nenabled = false\n[limits]\nunlocks_per_minute = 1000\n";
        let world = Scenario::inside().virtual_tokens(token).config(config).start().await.unwrap();
        let key = world.daemon.as_ref().unwrap().virtual_token(SERIAL).unwrap();
        // The call waits until every device has been read.
        world.client.find(&[]).await.unwrap();
        Self { world, key }
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

    async fn credential(&self, account: &str) -> String {
        self.client().credential(account).await.unwrap()
    }

    /// The code of an account, with these options that are true.
    async fn code(&self, account: &str, flags: &[&'static str]) -> Result<String, Refusal> {
        let credential = self.credential(account).await;
        let options = flags.iter().map(|flag| (*flag, true.into())).collect::<Options<'static>>();
        self.client().calculate(&credential, options).await.map(|reply| reply.code)
    }

    /// The name of the error of `Calculate`.
    async fn refusal(&self, account: &str, flags: &[&'static str]) -> String {
        self.code(account, flags).await.unwrap_err().name
    }

    /// The commands that the key receives meanwhile.
    async fn sent(&self, work: impl Future<Output = ()>) -> Vec<u8> {
        let before = self.key.nitrokey_pro_commands().len();
        work.await;
        self.key.nitrokey_pro_commands().split_off(before)
    }
}
