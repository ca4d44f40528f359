//! Slots of a virtual OTP key over its keyboard interface, on a private bus.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

mod codes;
mod configuration;
mod faults;
mod touch;

use std::time::Duration;

use oathbridge::dbus::names::ROOT;
use oathbridge::virt::VirtualToken;
use testkit::client::{Client, Options};
use testkit::scenario::{Scenario, World};

/// A generous timeout that only a failure reaches.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The id of the key's token.
const TOKEN: &str = "otpslot_7050602";

/// A key with a slot that requires a touch, a slot that does not, and an OATH application. Both slots have the key of RFC 6238.
const KEY: &str = "[[token]]
serial = 7050602
touch = 'never'
credential = [{ issuer = 'AWS', account = 'alice', seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' }]
otp-slot = [
    { slot = 1, touch = true, seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' },
    { slot = 2, seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' },
]
";

/// The configuration of both slots.
const SLOTS: &str = "[[hid.otp_slot]]
serial = 7050602
slot = 1
account = 'touched'
[[hid.otp_slot]]
serial = 7050602
slot = 2
issuer = 'Example'
account = 'bob'
digits = 8
";

/// The daemon, and the key.
struct Bench {
    world: World,
    key: VirtualToken,
}

impl Bench {
    async fn new(config: &str) -> Self {
        let config = format!("[pcsc]\nenabled = false\n{config}");
        let world = Scenario::inside().virtual_tokens(KEY).config(&config).start().await.unwrap();
        let key = world.daemon.as_ref().unwrap().virtual_token(7_050_602).unwrap();
        // Only the daemon ends a wait for a touch, unless a test sets another time.
        key.set_touch_timeout(20 * TIMEOUT);
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

    /// The name of the error of `Calculate`.
    async fn refusal(&self, account: &str) -> String {
        let credential = self.credential(account).await;
        self.client().calculate(&credential, Options::new()).await.unwrap_err().name
    }

    async fn code(&self, account: &str) -> String {
        let credential = self.credential(account).await;
        self.client().calculate(&credential, Options::new()).await.unwrap().code
    }

    async fn reload(&self, config: &str) {
        self.world.configure(&format!("[pcsc]\nenabled = false\n{config}")).unwrap();
        self.client().call::<_, ()>(ROOT, "Manager", "Reload", &()).await.unwrap();
    }

    /// The paths of the slots' credentials.
    async fn slots(&self) -> Vec<String> {
        let objects = self.client().objects().await.unwrap();
        let paths = objects.into_keys();
        paths.filter(|path| path.contains(&format!("/credentials/{TOKEN}_"))).collect()
    }
}

/// Waits on a thread for the virtual key.
async fn wait(key: &VirtualToken, condition: impl FnOnce(&VirtualToken) -> bool + Send + 'static) {
    let key = key.clone();
    assert!(tokio::task::spawn_blocking(move || condition(&key)).await.unwrap());
}
