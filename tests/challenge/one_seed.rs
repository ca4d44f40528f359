//! Two tokens with one seed, which only the codes give away: what one of them proved answers no challenge.

use testkit::client::Options;
use testkit::rig::step_with_room;
use zbus::Variant;

use super::Bench;

const TWINS: &str = "[[token]]
serial = 31415926
credential = [{ issuer = 'AWS', account = 'alice', seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' }]
[[token]]
serial = 27182818
credential = [{ issuer = 'AWS', account = 'alice', seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' }]
";

/// The access token names its user pool, and the profile doesn't.
#[tokio::test]
async fn a_code_goes_once_to_a_pool_whatever_the_pool_is_known_by() {
    for proves_first in [true, false] {
        let bench = Bench::with(TWINS).await;
        let (found, _) = bench.rig.client.find(&[("token", "27182818")]).await.unwrap();
        let token = bench.fake.access_token("alice").unwrap();
        let prove: Options<'_> = [("access-token", token.as_str().into()), ("profile", "work".into())].into();
        let mut answer = bench.options(&bench.session());
        // No time for another step.
        answer.insert("timeout", Variant::from(9_u32));
        step_with_room(10).await;
        if proves_first {
            bench.rig.client.verify(&found[0], prove).await.unwrap();
            assert_eq!(bench.respond(&bench.first, answer).await.unwrap_err().name, "StepSpent");
        } else {
            bench.respond(&bench.first, answer).await.unwrap();
            let mut prove = prove;
            prove.insert("timeout", Variant::from(9_u32));
            assert_eq!(bench.rig.client.verify(&found[0], prove).await.unwrap_err().name, "StepSpent");
        }
        bench.assert_single_use();
    }
}
