//! After a spent time step, the code of the next one is submitted.

use std::time::Duration;

use testkit::fake_cognito::Fault;

use super::{Bench, Fresh};

/// Submits, and lets the clock go on to the next step.
async fn in_the_next_step(bench: &Bench, fresh: &Fresh) -> u32 {
    let token = fresh.user.access_token.as_str();
    let options = [("access-token", token.into()), ("profile", "fake".into()), ("timeout", 60_u32.into())];
    let call = bench.world.client.verify(&fresh.path, options.into());
    let (verified, passed) = tokio::join!(call, bench.world.pass(Duration::from_secs(30)));
    passed.unwrap();
    u32::try_from(&verified.unwrap().extra["attempts"]).unwrap()
}

#[testkit::test]
async fn after_a_spent_step_the_next_step_is_submitted() {
    // Two attempts, the default.
    let bench = Bench::new("[cognito]\nmin_seconds_left = 0\n").await;
    let (lost, repeated) = (bench.fresh().await, bench.fresh().await);
    let step = bench.world.step().unwrap();
    bench.world.cognito.fail(Fault::DropAfter);
    assert_eq!(in_the_next_step(&bench, &lost).await, 2, "attempts");
    bench.verify(&repeated).await.unwrap();
    assert_eq!(in_the_next_step(&bench, &repeated).await, 1, "attempts");
    let steps: Vec<_> = bench.world.cognito.log().iter().map(|entry| entry.step.unwrap()).collect();
    assert_eq!(steps, [step, step + 1, step + 1, step + 2]);
    bench.assert_single_use();
}
