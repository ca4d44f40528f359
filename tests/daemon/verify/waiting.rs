//! The only test that waits for a real time step: after a spent step the next one is submitted.

use testkit::fake_cognito::Fault;
use testkit::rig::step_with_room;

use super::Bench;

#[tokio::test]
async fn after_a_spent_step_the_next_step_is_submitted() {
    // Two attempts, the default.
    let bench = Bench::new("[cognito]\nmin_seconds_left = 0\n").await;
    let (lost, repeated) = (bench.fresh().await, bench.fresh().await);
    let step = step_with_room(8).await;
    bench.verify(&repeated).await.unwrap();
    bench.fake.fail(Fault::DropAfter);
    let patiently = async |fresh: &super::Fresh| {
        let token = fresh.user.access_token.as_str();
        let options =
            [("access-token", token.into()), ("profile", "fake".into()), ("timeout", 60_u32.into())];
        bench.rig.client.verify(&fresh.path, options.into()).await.unwrap()
    };
    let (after_loss, second) = (patiently(&lost).await, patiently(&repeated).await);
    assert_eq!(u32::try_from(&after_loss.extra["attempts"]), Ok(2));
    assert_eq!(u32::try_from(&second.extra["attempts"]), Ok(1));
    let steps: Vec<_> = bench.fake.log().iter().map(|entry| entry.step.unwrap()).collect();
    assert_eq!(steps, [step, step, step + 1, step + 1]);
    bench.assert_single_use();
}
