//! One seed on two tokens, one pool by two names: still one code a step.

use testkit::client::Options;
use testkit::rig::step_with_room;
use zbus::Variant;

use super::{Bench, CLIENT, SEED};

const TOKENS: &str = "[[token]]
serial = 31415926
credential = [{ account = 'alice', seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' }]
[[token]]
serial = 27182818
credential = [{ account = 'copy', seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' }]
";

/// The bench, the path of the second token's credential, and what proves the token of alice: her access token knows the
/// pool's id, the challenge a region and an endpoint.
async fn bench() -> (Bench, String, Options<'static>) {
    let bench = Bench::with(TOKENS, &format!("client_id = '{CLIENT}'\n")).await;
    let user = bench.fake.ready_user("alice", SEED).unwrap();
    let copy = bench.rig.client.credential("copy").await.unwrap();
    let proof = Options::from([("profile", "work".into()), ("access-token", user.access_token.into())]);
    (bench, copy, proof)
}

#[tokio::test]
async fn the_same_code_goes_out_once_whatever_the_pool_is_called() {
    let (bench, copy, proof) = bench().await;
    step_with_room(15).await;
    bench.rig.client.verify(&bench.first, proof).await.unwrap();
    let mut options = bench.options(&bench.session());
    options.insert("timeout", Variant::from(9_u32));
    assert_eq!(bench.respond(&copy, options).await.unwrap_err().name, "StepSpent");
    bench.assert_single_use();
}

#[tokio::test]
async fn a_code_that_answered_a_challenge_proves_no_token() {
    let (bench, copy, mut proof) = bench().await;
    step_with_room(15).await;
    bench.respond(&bench.first, bench.options(&bench.session())).await.unwrap();
    proof.insert("timeout", Variant::from(9_u32));
    assert_eq!(bench.rig.client.verify(&copy, proof).await.unwrap_err().name, "StepSpent");
    bench.assert_single_use();
}
