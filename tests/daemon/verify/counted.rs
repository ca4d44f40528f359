//! The limit of submissions counts what reached the token or Cognito, and nothing that was refused before.

use testkit::client::Refusal;
use testkit::fake_cognito::{Fault, Plan};

use super::{Bench, Fresh, ONE_ATTEMPT};

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
            assert!(refusal.sentence.contains("a minute are allowed"), "{refusal:?}");
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
