//! A token with a clock of its own has codes of the current step only.

use super::rig::{Rig, STEP, seconds};

const TOKEN: &str = r#"
[[token]]
serial = 12345678
model = "nitrokey-pro"
[[token.credential]]
issuer = "AWS"
account = "alice"
seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
"#;

#[tokio::test]
async fn the_next_step_is_not_submitted_early() {
    let rig = Rig::with(TOKEN, seconds(20)).await;
    let mut request = rig.verify_request("alice", seconds(60));
    request.submission.policy.early_next_step = true;
    rig.verify(&request).await.result.unwrap();
    let (reply, ()) = tokio::join!(rig.verify(&request), rig.pass(seconds(10)));
    reply.result.unwrap();
    assert_eq!(rig.submitted(), [STEP, STEP + 1]);
}
