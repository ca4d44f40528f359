//! The limit of submissions counts what reached the token or Cognito, and nothing that was refused before.

use std::time::Duration;

use oathbridge::virt::VirtualToken;
use testkit::client::Refusal;
use testkit::fake_cognito::{Fault, Plan};

use super::{Bench, Fresh, ONE_ATTEMPT};

/// The timeout for an event, which only a failure reaches.
const EVENT_TIMEOUT: Duration = Duration::from_secs(30);

/// The refused submissions that must not count; the limit of refused ones is higher.
const REFUSED: usize = 8;

async fn refused(bench: &Bench, fresh: &Fresh) -> Refusal {
    bench.verify(fresh).await.unwrap_err()
}

/// Sends codes until the limit refuses one.
async fn left(bench: &Bench) -> usize {
    for sent in 0..20 {
        if let Err(refusal) = bench.verify(&bench.fresh().await).await {
            assert_eq!(refusal.name, "RateLimited");
            assert!(refusal.sentence.contains(" a minute "), "{refusal:?}");
            return sent;
        }
    }
    panic!("there is no limit");
}

#[testkit::test]
async fn a_spent_step_does_not_count() {
    let bench = Bench::limited(ONE_ATTEMPT, 4).await;
    let fresh = bench.fresh().await;
    bench.verify(&fresh).await.unwrap();
    for _ in 0..REFUSED {
        assert_eq!(refused(&bench, &fresh).await.name, "StepSpent");
    }
    assert_eq!(left(&bench).await, 3);
}

/// After five refusals of Cognito the account has a cool-down.
#[testkit::test]
async fn a_cool_down_does_not_count() {
    let bench = Bench::limited(ONE_ATTEMPT, 8).await;
    let first = bench.fresh().await;
    let fault = Fault::exception("CodeMismatchException", "no");
    bench.world.cognito.plan(Plan { fault, count: 5, ..Plan::default() });
    for _ in 0..5 {
        let other = Fresh { user: first.user.clone(), ..bench.fresh().await };
        assert_eq!(refused(&bench, &other).await.name, "Cognito.CodeMismatch");
    }
    for _ in 0..REFUSED {
        let refusal = refused(&bench, &first).await;
        assert_eq!(refusal.name, "RateLimited");
        assert!(!refusal.sentence.contains("a minute are allowed"), "{refusal:?}");
    }
    assert_eq!(bench.arrived(), 5);
    assert_eq!(left(&bench).await, 3);
}

const TOUCHED: &str = "[[token]]
serial = 27182818
touch = 'never'
credential = [{ account = 'touched', seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ', touch = true }]
";

async fn wants_a_touch(card: &VirtualToken) {
    let card = card.clone();
    let waiting = tokio::task::spawn_blocking(move || card.wait_until_it_wants_a_touch(EVENT_TIMEOUT));
    assert!(waiting.await.unwrap());
}

/// The token was asked for it, and so may be asked for another one.
#[testkit::test]
async fn a_code_that_ran_out_before_it_was_sent_counts() {
    let bench = Bench::of(TOUCHED, &ONE_ATTEMPT.replace("left = 0", "left = 1"), 1).await;
    let path = bench.world.client.credential("touched").await.unwrap();
    let user = bench.world.cognito.ready_user("touched", b"12345678901234567890").unwrap();
    let (client, card) = (bench.world.client.clone(), bench.world.cards[1].clone());
    let call = tokio::spawn(async move {
        let token = user.access_token.as_str();
        let options =
            [("access-token", token.into()), ("profile", "fake".into()), ("timeout", 40_u32.into())];
        client.verify(&path, options.into()).await
    });
    wants_a_touch(&card).await;
    bench.world.clock().unwrap().advance(Duration::from_secs(30));
    card.touch();
    // For the code of the next step.
    wants_a_touch(&card).await;
    bench.world.clock().unwrap().advance(Duration::from_secs(5));
    assert_eq!(call.await.unwrap().unwrap_err().name, "TouchTimeout");
    assert_eq!(bench.arrived(), 0);
    // The next one is allowed a minute after it.
    assert_eq!(left(&bench).await, 0);
}
