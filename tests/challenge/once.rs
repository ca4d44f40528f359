//! One seed on two tokens, one pool by two names: still one code a step.

use testkit::client::Options;
use testkit::rig::step_with_room;
use zbus::Variant;

use super::{Bench, CLIENT, SEED};

#[tokio::test]
async fn the_same_code_goes_out_once_whatever_the_pool_is_called() {
    let tokens = "[[token]]\nserial = 31415926\n\
                  credential = [{ account = 'alice', seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' }]\n\
                  [[token]]\nserial = 27182818\n\
                  credential = [{ account = 'copy', seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' }]\n";
    let bench = Bench::with(tokens, &format!("client_id = '{CLIENT}'\n")).await;
    let user = bench.fake.ready_user("alice", SEED).unwrap();
    let copy = bench.rig.client.credential("copy").await.unwrap();
    step_with_room(15).await;
    // This one knows the pool's id, from the access token; the challenge knows a region and an endpoint.
    let options = Options::from([("profile", "work".into()), ("access-token", user.access_token.into())]);
    bench.rig.client.verify(&bench.first, options).await.unwrap();
    let mut options = bench.options(&bench.session());
    options.insert("timeout", Variant::from(9_u32));
    assert_eq!(bench.respond(&copy, options).await.unwrap_err().name, "StepSpent");
    bench.assert_single_use();
}
