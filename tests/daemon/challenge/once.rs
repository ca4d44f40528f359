//! One seed on two tokens, one pool with two names: one code per step all the same.

use testkit::client::Options;
use zbus::Variant;

use super::{Bench, CLIENT, SEED};

const TOKENS: &str = "[[token]]
serial = 31415926
credential = [{ account = 'alice', seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' }]
[[token]]
serial = 27182818
credential = [{ account = 'copy', seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' }]
";

/// The bench, the path of the second token's credential, and the options to verify alice's token. The access token
/// contains the id of the pool, the challenge has a region and an endpoint.
async fn bench() -> (Bench, String, Options<'static>) {
    let bench = Bench::with(TOKENS, &format!("client_id = '{CLIENT}'\n")).await;
    let user = bench.world.cognito.ready_user("alice", SEED).unwrap();
    let copy = bench.world.client.credential("copy").await.unwrap();
    let proof = Options::from([("profile", "work".into()), ("access-token", user.access_token.into())]);
    (bench, copy, proof)
}

#[testkit::test]
async fn the_same_code_is_sent_once_under_all_names_of_the_pool() {
    let (bench, copy, proof) = bench().await;
    bench.world.client.verify(&bench.first, proof).await.unwrap();
    let mut options = bench.options(&bench.session());
    options.insert("timeout", Variant::from(9_u32));
    assert_eq!(bench.respond(&copy, options).await.unwrap_err().name, "StepSpent");
    bench.assert_single_use();
}

#[testkit::test]
async fn a_code_that_answered_a_challenge_is_not_used_to_verify() {
    let (bench, copy, mut proof) = bench().await;
    bench.respond(&bench.first, bench.options(&bench.session())).await.unwrap();
    proof.insert("timeout", Variant::from(9_u32));
    assert_eq!(bench.world.client.verify(&copy, proof).await.unwrap_err().name, "StepSpent");
    bench.assert_single_use();
}
