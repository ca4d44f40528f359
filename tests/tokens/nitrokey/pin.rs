//! A key with a PIN, over HID and as a smart card alike.

use std::time::Duration;

use oathbridge::dbus::names::ROOT;
use oathbridge::secret::SecretText;
use oathbridge::virt::{FidoFault, TouchPolicy, VirtualToken};
use testkit::client::{Client, Event, Options, Refusal, memfd};
use testkit::scenario::{Scenario, World};
use zbus::Fd;

use super::{SERIAL, TIMEOUT, TOKEN};

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
    each_wrong_pin_costs_one_attempt => super::each_wrong_pin_costs_one_attempt;
    a_kept_pin_that_is_refused_is_wiped => super::a_kept_pin_that_is_refused_is_wiped;
    locking_and_removal_wipe_the_pin => super::locking_and_removal_wipe_the_pin;
    a_reading_verifies_nothing => super::a_reading_verifies_nothing;
    without_a_touch_the_pin_costs_nothing => super::without_a_touch_the_pin_costs_nothing;
    a_call_waits_for_the_pin => super::a_call_waits_for_the_pin;
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

async fn each_wrong_pin_costs_one_attempt(bench: Bench) {
    bench.unlock().await;
    for left in (3..8).rev() {
        let refused = async {
            let refusal = bench.unlock_with("654321", Options::new()).await.unwrap_err();
            assert_eq!(refusal.name, "WrongPassword");
            assert!(refusal.sentence.contains(&format!("after {left} more")), "{}", refusal.sentence);
        };
        assert_eq!(bench.sent(refused).await, [SELECT, VERIFY, SELECT]);
        assert_eq!(bench.token::<i32>("AttemptsLeft").await, left);
    }
    let spared = async {
        let refusal = bench.unlock_with(PIN, Options::new()).await.unwrap_err();
        assert_eq!(refusal.name, "AttemptsLow");
        assert!(refusal.sentence.contains("the option allow-last-attempts"), "{}", refusal.sentence);
        let hidden = bench.credential("hidden").await;
        let refusal = bench.client().calculate(&hidden, Options::new()).await.unwrap_err();
        assert_eq!(refusal.name, "AttemptsLow", "a kept PIN spends none of the last attempts");
    };
    assert_eq!(bench.sent(spared).await, [SELECT, SELECT], "no PIN is tried");
    bench.unlock_with(PIN, allowing()).await.unwrap();
    assert_eq!(bench.token::<i32>("AttemptsLeft").await, 8);
    assert_eq!(bench.code("hidden").await.len(), 8);

    for left in (0..8).rev() {
        let refusal = bench.unlock_with("654321", allowing()).await.unwrap_err();
        assert_eq!(refusal.name, if left == 0 { "PinBlocked" } else { "WrongPassword" }, "{left}");
    }
    let blocked = async {
        assert_eq!(bench.unlock_with(PIN, allowing()).await.unwrap_err().name, "PinBlocked");
        let hidden = bench.credential("hidden").await;
        let refusal = bench.client().calculate(&hidden, Options::new()).await.unwrap_err();
        assert_eq!(refusal.name, "PinBlocked");
    };
    assert!(!bench.sent(blocked).await.contains(&VERIFY), "a blocked PIN is not tried");
    assert_eq!(bench.token::<i32>("AttemptsLeft").await, 0);
    assert_eq!(bench.found().await, (1, true), "the kept PIN is of no use any more");
    assert_eq!(bench.code("public").await.len(), 8);
}

/// Another program changes the PIN.
async fn a_kept_pin_that_is_refused_is_wiped(bench: Bench) {
    bench.unlock().await;
    let hidden = bench.credential("hidden").await;
    bench.key.change_pin(&SecretText::from("abcdef"));
    let verified = bench.key.count(VERIFY);
    let call = {
        let (client, hidden) = (bench.client().clone(), hidden.clone());
        tokio::spawn(async move { client.calculate(&hidden, Options::new()).await.map(|reply| reply.code) })
    };
    let mut signals = bench.client().signals().await.unwrap();
    let asks = |event: &Event| event.value::<String>("Kind").as_deref() == Some("unlock");
    let prompt: String = bench.client().property(&format!("{ROOT}/prompt"), "Prompt", "Kind").await.unwrap();
    if prompt != "unlock" {
        signals.until(asks).await.unwrap();
    }
    assert_eq!(bench.key.count(VERIFY), verified + 1, "it was tried once");
    assert_eq!(bench.refusal(&hidden).await, "TokenLocked");
    assert_eq!(bench.key.count(VERIFY), verified + 1, "and never again");
    assert_eq!(bench.token::<i32>("AttemptsLeft").await, 7);
    assert_eq!(bench.found().await, (1, true));
    bench.unlock_with("abcdef", Options::new()).await.unwrap();
    assert_eq!(call.await.unwrap().unwrap().len(), 8, "the call has waited for the new PIN");
}

async fn locking_and_removal_wipe_the_pin(bench: Bench) {
    let mut bench = bench;
    for event in ["Lock", "LockAll", "removal"] {
        bench.unlock().await;
        let hidden = bench.credential("hidden").await;
        let verified = bench.key.count(VERIFY);
        match event {
            "Lock" => bench.lock().await,
            "LockAll" => bench.client().call::<_, ()>(ROOT, "Manager", "LockAll", &()).await.unwrap(),
            _ => replug(&mut bench).await,
        }
        assert_eq!(bench.found().await, (1, true), "{event}");
        assert_eq!(bench.token::<String>("State").await, "ready", "{event}");
        assert_eq!(bench.refusal(&hidden).await, "TokenLocked", "{event}");
        assert_eq!(bench.code("public").await.len(), 8, "{event}");
        assert_eq!(bench.key.count(VERIFY), verified, "{event}");
    }
}

async fn replug(bench: &mut Bench) {
    if bench.world.card().is_err() {
        bench.world.unplug(&bench.key).await.unwrap();
        bench.world.plug(&bench.key).await.unwrap();
        return;
    }
    let mut signals = bench.client().signals().await.unwrap();
    bench.world.pcscd().unwrap().remove(0).unwrap();
    let of_token = format!("tokens/{TOKEN}");
    let gone = |event: &Event| matches!(event, Event::Removed { .. }) && event.place() == of_token;
    signals.until(gone).await.unwrap();
    let key = bench.key.clone();
    bench.world.pcscd().unwrap().insert(0, &key).unwrap();
    let back = |event: &Event| event.value::<String>("State").as_deref() == Some("ready");
    signals.until(back).await.unwrap();
}

async fn a_reading_verifies_nothing(bench: Bench) {
    bench.unlock().await;
    let verified = bench.key.count(VERIFY);
    bench.client().call::<_, ()>(ROOT, "Manager", "Reload", &()).await.unwrap();
    assert_eq!(bench.found().await, (3, false), "what the PIN has shown stays listed");
    assert_eq!(bench.key.count(VERIFY), verified);
}

async fn without_a_touch_the_pin_costs_nothing(bench: Bench) {
    let asked = async {
        let refusal = bench.unlock_with(PIN, not_interactive()).await.unwrap_err();
        assert_eq!(refusal.name, "TouchRequired");
    };
    assert_eq!(bench.sent(asked).await, [0; 0], "nothing is sent for a caller that waits for nobody");
    bench.key.set_touch_policy(TouchPolicy::Never);
    bench.key.set_touch_timeout(Duration::from_millis(100));
    let refusal = bench.unlock_with(PIN, Options::new()).await.unwrap_err();
    assert_eq!(refusal.name, "TouchTimeout");
    assert_eq!(bench.token::<i32>("AttemptsLeft").await, 8);
    assert_eq!(bench.found().await, (1, true));
}

async fn a_call_waits_for_the_pin(bench: Bench) {
    bench.unlock().await;
    let hidden = bench.credential("hidden").await;
    bench.lock().await;
    let mut signals = bench.client().signals().await.unwrap();
    let client = bench.client().clone();
    let call =
        tokio::spawn(async move { client.calculate(&hidden, Options::new()).await.map(|reply| reply.code) });
    let asks = |event: &Event| event.value::<String>("Kind").as_deref() == Some("unlock");
    signals.until(asks).await.unwrap();
    bench.unlock().await;
    assert_eq!(call.await.unwrap().unwrap().len(), 8);
}

/// The key may have carried it out, so it is not sent again.
#[testkit::test]
async fn a_dropped_pin_is_not_sent_again() {
    let bench = over_hid().await;
    // The first request is SELECT.
    for fault in [FidoFault::KeepAlive, FidoFault::Stranger] {
        bench.key.fail_next_fido(fault);
    }
    assert_eq!(bench.unlock_with(PIN, Options::new()).await.unwrap_err().name, "TokenBusy");
    assert_eq!(bench.found().await, (1, true));
    bench.unlock().await;
}

#[testkit::test]
async fn a_touch_for_the_pin_is_announced_and_can_be_cancelled() {
    let bench = over_hid().await;
    bench.key.set_touch_policy(TouchPolicy::Never);
    let mut signals = bench.client().signals().await.unwrap();
    let client = bench.client().clone();
    let token = format!("{ROOT}/tokens/{TOKEN}");
    let call = tokio::spawn(async move {
        let pin = memfd(PIN.as_bytes()).unwrap();
        client.call::<_, ()>(&token, "Token", "Unlock", &(Fd::from(pin), super::named())).await
    });
    let waits = |event: &Event| event.value::<String>("State").as_deref() == Some("waiting-touch");
    signals.until(waits).await.unwrap();
    let key = bench.key.clone();
    let wanted = tokio::task::spawn_blocking(move || key.wait_until_it_wants_a_touch(TIMEOUT));
    assert!(wanted.await.unwrap());
    bench.client().call::<_, ()>(ROOT, "Manager", "LockAll", &()).await.unwrap();
    assert_eq!(call.await.unwrap().unwrap_err().name, "TokenLocked");
    let key = bench.key.clone();
    let ended = tokio::task::spawn_blocking(move || key.wait_until_it_wants_no_touch(TIMEOUT));
    assert!(ended.await.unwrap());
    assert_eq!(bench.found().await, (1, true));
    bench.key.set_touch_policy(TouchPolicy::AfterSeconds(Duration::ZERO));
    bench.unlock().await;
}
