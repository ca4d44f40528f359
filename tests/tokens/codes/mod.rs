//! Codes over D-Bus from a card behind a real pcscd, and with Yubico's own tool.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

mod contexts;
mod descriptors;
mod locked;
mod model;
mod options;
mod touch;
mod ykman;

use std::time::Duration;

use oathbridge::otp::{Algorithm, Code, Digits, truncate};
use oathbridge::virt::VirtualToken;
use testkit::client::{Client, Options};
use testkit::scenario::{START_UNIX_TIME, Scenario, World};

const DAEMON: &str = env!("CARGO_BIN_EXE_oathbridged");

/// The key of RFC 4226 and RFC 6238.
const KEY: &[u8] = b"12345678901234567890";

/// The codes of RFC 4226, appendix D, for the counters 0, 1 and 2.
const HOTP: [&str; 3] = ["755224", "287082", "359152"];

const CREDENTIALS: &str = "[[token.credential]]
issuer = 'AWS Cognito'
account = 'alice'
seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'
[[token.credential]]
account = 'bob'
algorithm = 'SHA512'
digits = 7
touch = true
seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'
[[token.credential]]
account = 'carol'
algorithm = 'SHA256'
digits = 8
period = 60
seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'
[[token.credential]]
issuer = 'VPN'
account = 'dave'
type = 'hotp'
seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'
";

/// The daemon and one card. The test checks the counter and the resets of the card at the end.
struct Bench {
    world: World,
    advances: u64,
}

impl Bench {
    async fn new(token: &str, config: &str) -> Self {
        Self::of(Scenario::inside(), token, config).await
    }

    async fn of(scenario: Scenario, token: &str, config: &str) -> Self {
        let tokens = format!("[[token]]\nserial = 31415926\ntouch = 'never'\n{token}\n{CREDENTIALS}");
        Self { world: scenario.cards(&tokens).config(config).start().await.unwrap(), advances: 0 }
    }

    fn client(&self) -> &Client {
        &self.world.client
    }

    fn card(&self) -> &VirtualToken {
        self.world.card().unwrap()
    }

    async fn credential(&self, account: &str) -> String {
        self.client().credential(account).await.unwrap()
    }

    /// The name of the error of a call that fails.
    async fn refusal(&self, credential: &str, options: Options<'_>) -> String {
        let refusal = self.client().calculate(credential, options).await.unwrap_err();
        assert!(refusal.sentence.ends_with('.'), "{refusal:?}");
        refusal.name
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let counter = self.card().hotp_counter("VPN:dave");
            assert_eq!(counter, Some(self.advances), "a counter advances only when a caller confirms it");
            assert_eq!(self.card().resets(), 0, "a reset would end the work of other programs");
        }
    }
}

fn code(algorithm: Algorithm, digits: u8, factor: u64) -> String {
    let word = truncate(&algorithm.hmac(KEY, &factor.to_be_bytes())).unwrap();
    Code::decimal(word, Digits::new(digits).unwrap()).expose().to_owned()
}

#[testkit::test]
async fn a_code_has_its_validity_and_the_next_code() {
    let bench = Bench::new("", "").await;
    let alice = bench.credential("alice").await;
    let step = bench.world.step().unwrap();
    let reply = bench.client().calculate(&alice, [("next", true.into())].into()).await.unwrap();
    assert_eq!((reply.from, reply.until), (step * 30, step * 30 + 30));
    assert_eq!(reply.code, code(Algorithm::Sha1, 6, step));
    assert_eq!(reply.next, Some(code(Algorithm::Sha1, 6, step + 1)));

    let carol = bench.credential("carol").await;
    let reply = bench.client().calculate(&carol, Options::new()).await.unwrap();
    assert_eq!((reply.from, reply.until), (START_UNIX_TIME, START_UNIX_TIME + 60));
    assert_eq!(reply.code, code(Algorithm::Sha256, 8, START_UNIX_TIME / 60));
    assert_eq!(reply.next, None);
}

#[testkit::test]
async fn a_counter_advances_only_with_the_option_advance_counter() {
    let mut bench = Bench::new("", "").await;
    let dave = bench.credential("dave").await;
    assert_eq!(bench.refusal(&dave, Options::new()).await, "ConfirmationRequired");
    assert_eq!(
        bench.refusal(&dave, [("advance-counter", false.into())].into()).await,
        "ConfirmationRequired"
    );
    for right in HOTP {
        let reply = bench.client().calculate(&dave, [("advance-counter", true.into())].into()).await.unwrap();
        bench.advances += 1;
        assert_eq!((reply.code.as_str(), reply.from, reply.until), (right, 0, 0));
    }
    for option in ["next", "claim"] {
        let options = [("advance-counter", true.into()), (option, true.into())];
        assert_eq!(bench.refusal(&dave, options.into()).await, "org.freedesktop.DBus.Error.InvalidArgs");
    }
    let alice = bench.credential("alice").await;
    let refusal = bench.refusal(&alice, [("advance-counter", true.into())].into()).await;
    assert_eq!(refusal, "org.freedesktop.DBus.Error.InvalidArgs");
}

#[testkit::test]
async fn a_step_can_be_claimed_once() {
    let bench = Bench::new("", "").await;
    let alice = bench.credential("alice").await;
    let claim = || bench.client().calculate(&alice, [("claim", true.into())].into());
    let step = bench.world.step().unwrap();
    assert_eq!(claim().await.unwrap().code, code(Algorithm::Sha1, 6, step));
    let refusal = claim().await.unwrap_err();
    assert_eq!(refusal.name, "StepSpent");
    let opens = format!("Unix time {}", (step + 1) * 30);
    assert!(refusal.sentence.contains(&opens), "{}", refusal.sentence);
    // Calls without claim and other credentials are not affected.
    bench.client().calculate(&alice, Options::new()).await.unwrap();
    let carol = bench.credential("carol").await;
    bench.client().calculate(&carol, [("claim", true.into())].into()).await.unwrap();
    bench.world.clock().unwrap().advance(Duration::from_secs(30));
    assert_eq!(claim().await.unwrap().code, code(Algorithm::Sha1, 6, step + 1));
}

#[testkit::test]
async fn a_claim_survives_a_restart_of_the_daemon() {
    let mut bench = Bench::new("", "").await;
    let alice = bench.credential("alice").await;
    bench.client().calculate(&alice, [("claim", true.into())].into()).await.unwrap();
    bench.world.end_daemon().await.unwrap();
    bench.world.start_daemon().await.unwrap();
    assert_eq!(bench.credential("alice").await, alice, "ids survive a restart");
    assert_eq!(bench.refusal(&alice, [("claim", true.into())].into()).await, "StepSpent");
}

#[testkit::test]
async fn a_minimum_validity_makes_the_call_wait_or_fail() {
    let bench = Bench::new("", "").await;
    let alice = bench.credential("alice").await;
    let clock = bench.world.clock().unwrap();
    let calculate = || bench.client().calculate(&alice, [("min-validity", 5_u32.into())].into());
    clock.advance(Duration::from_secs(25));
    assert_eq!(calculate().await.unwrap().until, START_UNIX_TIME + 30, "five seconds are left");
    clock.advance(Duration::from_secs(1));
    let (reply, passed) = tokio::join!(calculate(), bench.world.pass(Duration::from_secs(4)));
    passed.unwrap();
    assert_eq!(reply.unwrap().from, START_UNIX_TIME + 30);
    clock.advance(Duration::from_secs(1));
    // The next step starts after the deadline of this call.
    let options = [("min-validity", 30_u32.into()), ("timeout", 2_u32.into())];
    assert_eq!(bench.refusal(&alice, options.into()).await, "Timeout");
    let options = [("min-validity", 31_u32.into())];
    assert_eq!(bench.refusal(&alice, options.into()).await, "org.freedesktop.DBus.Error.InvalidArgs");
}
