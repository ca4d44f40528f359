//! Credentials that require a touch.

use std::time::Duration;

use oathbridge::otp::Algorithm;
use oathbridge::virt::VirtualToken;
use testkit::client::{Event, Options};

use super::{Bench, HOTP, code};

const EVENT_TIMEOUT: Duration = Duration::from_secs(60);

/// A simulated user who touches the card as soon as it waits for a touch.
fn person(card: &VirtualToken) -> tokio::task::JoinHandle<bool> {
    let card = card.clone();
    tokio::task::spawn_blocking(move || {
        let wanted = card.wait_until_it_wants_a_touch(EVENT_TIMEOUT);
        card.touch();
        wanted
    })
}

#[testkit::test]
async fn a_touch_gives_the_code() {
    let bench = Bench::new("", "").await;
    let bob = bench.credential("bob").await;
    let wants: String = bench.client().property(&bob, "Credential", "TouchRequired").await.unwrap();
    assert_eq!(wants, "yes");
    let person = person(bench.card());
    let reply = bench.client().calculate(&bob, Options::new()).await.unwrap();
    assert!(person.await.unwrap());
    assert_eq!(reply.code, code(Algorithm::Sha512, 7, reply.from / 30));
}

#[testkit::test]
async fn a_policy_that_requires_a_touch_leaves_only_credentials_that_tell_of_theirs() {
    let mut bench = Bench::new("", "").await;
    let mut credentials = Vec::new();
    for (account, touch) in [("alice", "no"), ("dave", "unknown"), ("bob", "yes")] {
        let path = bench.credential(account).await;
        let told: String = bench.client().property(&path, "Credential", "TouchRequired").await.unwrap();
        assert_eq!(told, touch, "{account}");
        credentials.push(path);
    }
    let [alice, dave, bob] = &credentials[..] else { panic!("{credentials:?}") };
    require_touch(&bench, true).await;
    let refusal = bench.client().calculate(alice, Options::new()).await.unwrap_err();
    assert_eq!(refusal.name, "AccessDenied");
    assert!(refusal.sentence.contains("require_touch in /etc/oathbridge/policy.toml"), "{refusal:?}");
    let advancing = || Options::from([("advance-counter", true.into())]);
    assert_eq!(bench.refusal(dave, advancing()).await, "AccessDenied");
    // `code(dave)` below is HOTP[0], so the refused call did not advance the counter.

    let person = person(bench.card());
    let reply = bench.client().calculate(bob, Options::new()).await.unwrap();
    assert!(person.await.unwrap());
    assert_eq!(reply.code, code(Algorithm::Sha512, 7, reply.from / 30));
    require_touch(&bench, false).await;
    bench.client().calculate(alice, Options::new()).await.unwrap();
    assert_eq!(bench.client().calculate(dave, advancing()).await.unwrap().code, HOTP[0]);
    bench.advances += 1;
}

/// The protocol does not tell whether a counter requires a touch.
#[testkit::test]
async fn a_touch_that_the_token_does_not_tell_is_announced_after_half_a_second() {
    const ERIN: &str = "[[token.credential]]
account = 'erin'
type = 'hotp'
touch = true
seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'
";
    const HALF_A_SECOND: Duration = Duration::from_millis(500);
    let bench = Bench::new(ERIN, "").await;
    let erin = bench.credential("erin").await;
    let told: String = bench.client().property(&erin, "Credential", "TouchRequired").await.unwrap();
    assert_eq!(told, "unknown");
    let options = |interactive: bool, handle: &'static str| {
        Options::from([
            ("advance-counter", true.into()),
            ("interactive", interactive.into()),
            ("handle-token", handle.into()),
        ])
    };
    let refused = bench.refusal(&erin, options(false, "refused"));
    let (refusal, passed) = tokio::join!(refused, bench.world.pass(HALF_A_SECOND));
    passed.unwrap();
    assert_eq!(refusal, "TouchRequired");
    // The announcement may come before the command has reached the card.
    let card = bench.card().clone();
    let waits = move || card.wait_until_it_wants_a_touch(EVENT_TIMEOUT);
    assert!(tokio::task::spawn_blocking(waits).await.unwrap());
    bench.card().miss_touch();

    let mut signals = bench.client().signals().await.unwrap();
    let touching = async {
        bench.world.pass(HALF_A_SECOND).await.unwrap();
        let waits = |event: &Event| event.value::<String>("State").as_deref() == Some("waiting-touch");
        signals.until(waits).await.unwrap();
        assert!(person(bench.card()).await.unwrap());
    };
    let (reply, ()) = tokio::join!(bench.client().calculate(&erin, options(true, "touched")), touching);
    assert_eq!(reply.unwrap().code, HOTP[0]);
}

async fn require_touch(bench: &Bench, is_required: bool) {
    let policy = format!("[access]\nrequire_touch = {is_required}\n");
    bench.world.restrict(&policy).await.unwrap();
}

#[testkit::test]
async fn without_interactive_a_touch_credential_is_refused() {
    let bench = Bench::new("", "").await;
    let bob = bench.credential("bob").await;
    let before = bench.card().log().len();
    assert_eq!(bench.refusal(&bob, [("interactive", false.into())].into()).await, "TouchRequired");
    assert_eq!(bench.card().log().len(), before, "no command was sent to the token");
}

#[testkit::test]
async fn waiting_for_a_touch_times_out() {
    let bench = Bench::new("", "").await;
    let bob = bench.credential("bob").await;
    // The deadline of the call comes first: the call waits for a touch until nine seconds before it.
    let mut signals = bench.client().signals().await.unwrap();
    let call = bench.refusal(&bob, [("timeout", 10_u32.into()), ("handle-token", "late".into())].into());
    let passing = async {
        let waits = |event: &Event| event.value::<String>("State").as_deref() == Some("waiting-touch");
        signals.until(waits).await.unwrap();
        bench.world.pass(Duration::from_secs(1)).await.unwrap();
    };
    let (refusal, ()) = tokio::join!(call, passing);
    assert_eq!(refusal, "TouchTimeout");
    // The token still waits; the next request is served after the token's timeout.
    let alice = bench.credential("alice").await;
    bench.card().touch();
    bench.client().calculate(&alice, Options::new()).await.unwrap();
    // The token's timeout comes first.
    let missing = async {
        let card = bench.card().clone();
        let waits = move || card.wait_until_it_wants_a_touch(EVENT_TIMEOUT);
        assert!(tokio::task::spawn_blocking(waits).await.unwrap());
        bench.world.clock().unwrap().advance(Duration::from_secs(5));
        bench.card().miss_touch();
    };
    let (refusal, ()) = tokio::join!(bench.refusal(&bob, Options::new()), missing);
    assert_eq!(refusal, "TouchTimeout");
    bench.client().calculate(&alice, Options::new()).await.unwrap();
}
