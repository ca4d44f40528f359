//! A key with a PIN, over HID and as a smart card alike.

mod attempts;
mod between;
mod wipes;

use std::time::Duration;

use oathbridge::dbus::names::ROOT;
use oathbridge::virt::VirtualToken;
use testkit::client::{Client, Options, Refusal, memfd};
use testkit::scenario::{Scenario, World};
use zbus::Fd;

use super::{SERIAL, TOKEN};

const PIN: &str = "123456";

/// One credential is public, and the PIN protects the other ones.
const KEY: &str = "[[token]]
serial = 16909060
model = 'nitrokey-3'
pin = '123456'
touch = { after-seconds = 0.0 }
credential = [
    { account = 'public', digits = 8, seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' },
    { account = 'hidden', digits = 8, pin = true, seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' },
    { account = 'counter', type = 'hotp', pin = true, seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' },
]
";

const SELECT: u8 = 0xa4;
const LIST: u8 = 0xa1;
const CALCULATE: u8 = 0xa2;
const VERIFY: u8 = 0xb2;

const LIMITS: &str = "[limits]\nunlocks_per_minute = 1000\n";

struct Bench {
    world: World,
    key: VirtualToken,
}

/// The key over each of its interfaces. The second one is a smart card in a private pcscd.
async fn over_hid() -> Bench {
    let config = format!("{LIMITS}[pcsc]\nenabled = false\n");
    let world = Scenario::inside().virtual_tokens(KEY).config(&config).start().await.unwrap();
    let key = world.daemon.as_ref().unwrap().virtual_token(SERIAL).unwrap();
    Bench { world, key }.settled().await
}

async fn over_pcsc() -> Bench {
    let world = Scenario::inside().cards(KEY).config(LIMITS).start().await.unwrap();
    let key = world.card().unwrap().clone();
    Bench { world, key }.settled().await
}

fn not_interactive() -> Options<'static> {
    Options::from([("interactive", false.into())])
}

fn allowing() -> Options<'static> {
    Options::from([("allow-last-attempts", true.into())])
}

impl Bench {
    async fn settled(self) -> Self {
        // The call waits until every device has been read.
        self.client().find(&[]).await.unwrap();
        self
    }

    fn client(&self) -> &Client {
        &self.world.client
    }

    async fn token<T: TryFrom<zbus::OwnedVariant>>(&self, property: &str) -> T {
        self.client().property(&format!("{ROOT}/tokens/{TOKEN}"), "Token", property).await.unwrap()
    }

    async fn unlock_with(&self, pin: &str, options: Options<'static>) -> Result<(), Refusal> {
        let token = format!("{ROOT}/tokens/{TOKEN}");
        let pin = memfd(pin.as_bytes()).unwrap();
        self.client().call(&token, "Token", "Unlock", &(Fd::from(pin), options)).await
    }

    async fn unlock(&self) {
        self.unlock_with(PIN, Options::new()).await.unwrap();
    }

    async fn lock(&self) {
        let token = format!("{ROOT}/tokens/{TOKEN}");
        self.client().call::<_, ()>(&token, "Token", "Lock", &()).await.unwrap();
    }

    /// The number of credentials on the bus, and whether the token may hide more.
    async fn found(&self) -> (usize, bool) {
        let (found, locked) = self.client().find(&[]).await.unwrap();
        (found.len(), locked.iter().any(|path| path.ends_with(TOKEN)))
    }

    async fn credential(&self, account: &str) -> String {
        self.client().credential(account).await.unwrap()
    }

    async fn code(&self, account: &str) -> String {
        let credential = self.credential(account).await;
        self.client().calculate(&credential, Options::new()).await.unwrap().code
    }

    /// The name of the error of `Calculate` that waits for nobody.
    async fn refusal(&self, credential: &str) -> String {
        self.client().calculate(credential, not_interactive()).await.unwrap_err().name
    }

    /// The instructions that the key receives meanwhile.
    async fn sent(&self, work: impl Future<Output = ()>) -> Vec<u8> {
        let before = self.key.log().len();
        work.await;
        self.key.log()[before..].iter().map(|header| header[1]).collect()
    }
}

/// Runs a test over each interface.
macro_rules! on_both {
    ($($name:ident => $body:path;)*) => {
        mod hid { $(#[testkit::test] async fn $name() { $body(super::over_hid().await).await; })* }
        mod pcsc { $(#[testkit::test] async fn $name() { $body(super::over_pcsc().await).await; })* }
    };
}

on_both! {
    the_pin_shows_credentials => super::the_pin_shows_credentials;
    each_wrong_pin_costs_one_attempt => super::attempts::each_wrong_pin_costs_one_attempt;
    a_kept_pin_that_is_refused_is_wiped => super::wipes::a_kept_pin_that_is_refused_is_wiped;
    locking_and_removal_wipe_the_pin => super::wipes::locking_and_removal_wipe_the_pin;
    a_reading_verifies_nothing => super::a_reading_verifies_nothing;
    without_a_touch_the_pin_costs_nothing => super::attempts::without_a_touch_the_pin_costs_nothing;
    a_call_waits_for_the_pin => super::wipes::a_call_waits_for_the_pin;
    a_cancelled_call_advances_no_counter => super::between::a_cancelled_call_advances_no_counter;
    a_wiped_pin_is_used_no_more => super::between::a_wiped_pin_is_used_no_more;
}

async fn the_pin_shows_credentials(bench: Bench) {
    assert_eq!(bench.found().await, (1, true));
    assert!(bench.token::<bool>("PinSet").await);
    assert_eq!(bench.token::<i32>("AttemptsLeft").await, 8);
    assert_eq!(bench.token::<String>("State").await, "ready");
    let sent = bench.sent(bench.unlock()).await;
    assert_eq!(sent, [SELECT, VERIFY, LIST, SELECT]);
    assert_eq!(bench.found().await, (3, false));

    bench.world.clock().unwrap().set_unix_time(Duration::from_secs(59));
    let protected = async { assert_eq!(bench.code("hidden").await, "94287082") };
    assert_eq!(bench.sent(protected).await, [SELECT, VERIFY, CALCULATE]);
    let public = async { assert_eq!(bench.code("public").await, "94287082") };
    assert_eq!(bench.sent(public).await, [SELECT, CALCULATE], "it needs no PIN");
    let hidden = bench.credential("hidden").await;
    let next = async {
        let options = Options::from([("next", true.into())]);
        assert_eq!(bench.client().calculate(&hidden, options).await.unwrap().code, "94287082");
    };
    assert_eq!(bench.sent(next).await, [SELECT, VERIFY, CALCULATE, VERIFY, CALCULATE]);
    let counter = bench.credential("counter").await;
    let advance = Options::from([("advance-counter", true.into())]);
    assert_eq!(bench.client().calculate(&counter, advance).await.unwrap().code, "755224");
    let required: String = bench.client().property(&hidden, "Credential", "TouchRequired").await.unwrap();
    assert_eq!(required, "yes");
    assert_eq!(bench.refusal(&hidden).await, "TouchRequired");
}

async fn a_reading_verifies_nothing(bench: Bench) {
    bench.unlock().await;
    let verified = bench.key.count(VERIFY);
    bench.client().call::<_, ()>(ROOT, "Manager", "Reload", &()).await.unwrap();
    assert_eq!(bench.found().await, (3, false), "what the PIN has shown stays listed");
    assert_eq!(bench.key.count(VERIFY), verified);
}
