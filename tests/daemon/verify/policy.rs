//! The administrator's policy binds submissions, whatever the configuration says.

use testkit::client::Options;

use super::Bench;

const POOL_OF_TOKENS: &str = "eu-central-1_";

fn options(token: &str) -> Options<'_> {
    [("access-token", token.into()), ("profile", "fake".into())].into()
}

#[testkit::test]
async fn only_allowed_pools_and_endpoints_get_codes() {
    let bench = Bench::new("").await;
    let fresh = bench.fresh().await;
    let url = bench.world.cognito.url();
    let verify = async || bench.world.client.verify(&fresh.path, options(&fresh.user.access_token)).await;
    for (policy, named) in [
        ("allowed_endpoints = []".to_owned(), "endpoint_url"),
        (format!("allowed_pools = ['{POOL_OF_TOKENS}*']"), "endpoint_url"),
        (format!("allowed_pools = ['us-east-1_*']\nallowed_endpoints = ['{url}']"), "the user pool"),
        (format!("allowed_clients = ['other']\nallowed_endpoints = ['{url}']"), "the app client"),
    ] {
        bench.world.restrict(&format!("[cognito]\n{policy}\n")).await.unwrap();
        let refusal = verify().await.unwrap_err();
        assert_eq!(refusal.name, "AccessDenied", "{policy}");
        assert!(refusal.sentence.contains(named), "{policy}: {}", refusal.sentence);
    }
    let policy = format!("[cognito]\nallowed_pools = ['{POOL_OF_TOKENS}*']\nallowed_endpoints = ['{url}']\n");
    bench.world.restrict(&policy).await.unwrap();
    // A session does not show its pool, and a call with one here does not show its app client either.
    let by_session: Options<'_> =
        [("session", fresh.user.session.as_str().into()), ("profile", "fake".into())].into();
    let refusal = bench.world.client.verify(&fresh.path, by_session).await.unwrap_err();
    assert_eq!(refusal.name, "AccessDenied");
    assert!(refusal.sentence.contains("a session"), "{}", refusal.sentence);
    verify().await.unwrap();
}

#[testkit::test]
async fn a_rule_of_the_policy_is_not_loosened_by_a_rule_of_the_configuration() {
    let rules = "[[access.rule]]\ncaller = 'executable:*'\nsubmit = 'allow'\n";
    let bench = Bench::new(rules).await;
    let fresh = bench.fresh().await;
    bench.world.restrict("[[access.rule]]\ncaller = 'executable:*'\nsubmit = 'deny'\n").await.unwrap();
    let refusal =
        bench.world.client.verify(&fresh.path, options(&fresh.user.access_token)).await.unwrap_err();
    assert_eq!(refusal.name, "AccessDenied");
    assert!(refusal.sentence.contains("/etc/oathbridge/policy.toml"), "{}", refusal.sentence);
    bench.world.client.calculate(&fresh.path, Options::new()).await.unwrap();
}

#[testkit::test]
async fn only_codes_that_require_a_touch_are_submitted_if_the_policy_says_so() {
    let touched = "[[token.credential]]\naccount = 'touched'\ntouch = true\nseed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'\n";
    let bench = Bench::with_more(touched, "").await;
    let fresh = bench.fresh().await;
    bench.world.restrict("[access]\nrequire_touch = true\n").await.unwrap();
    let refusal = bench.verify(&fresh).await.unwrap_err();
    assert_eq!(refusal.name, "AccessDenied");
    assert!(
        refusal.sentence.contains("require_touch in /etc/oathbridge/policy.toml"),
        "{}",
        refusal.sentence
    );
    assert_eq!(bench.arrived(), 0, "nothing was submitted");
    // The credential with touch is not refused by the policy, but waits for the touch.
    let path = bench.world.client.credential("touched").await.unwrap();
    let mut alone = options(&fresh.user.access_token);
    alone.insert("interactive", false.into());
    assert_eq!(bench.refusal(&path, alone).await, "TouchRequired");
    bench.world.restrict("").await.unwrap();
    bench.verify(&fresh).await.unwrap();
}
