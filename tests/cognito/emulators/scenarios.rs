//! The scenarios for each emulator.

use data_encoding::BASE64URL_NOPAD;
use futures_util::future::LocalBoxFuture;
use serde_json::json;
use testkit::client::Options;

use super::account::{Stage, code};
use super::api::what_came;
use super::world::Scene;

/// So short to wait for the next step, in seconds.
const ONE_SUBMISSION_TIMEOUT: u32 = 9;

/// A code that is correct by chance in one of a million runs.
const WRONG: &str = "000000";

pub(crate) struct Scenario {
    /// The name in the table and in the profiles.
    pub(crate) id: &'static str,
    pub(crate) user: Stage,
    /// The behaviour of AWS, from its documentation and from reports of users.
    pub(crate) aws: &'static str,
    pub(crate) run: for<'a> fn(&'a Scene<'a>) -> LocalBoxFuture<'a, String>,
}

/// Runs a scenario and returns the observed result.
macro_rules! scenario {
    ($id:literal, $user:ident, $aws:literal, $run:expr) => {
        Scenario { id: $id, user: Stage::$user, aws: $aws, run: |scene| Box::pin($run(scene)) }
    };
}

pub(crate) const ALL: &[Scenario] = &[
    scenario!("verify_access_token", Associated, "SUCCESS", verify),
    scenario!("verify_session", New, "SUCCESS, then tokens", verify_by_session),
    scenario!(
        "verify_other_seed",
        Associated,
        "Cognito.CodeMismatch (EnableSoftwareTokenMFAException)",
        verify_with_another_seed
    ),
    scenario!(
        "verify_forged_token",
        Associated,
        "Cognito.NotAuthorized (NotAuthorizedException)",
        verify_forged
    ),
    scenario!("verify_device_name", Associated, "My key", device_name),
    scenario!("sign_in", Enrolled, "tokens", sign_in),
    scenario!("sign_in_select", Choice, "SELECT_MFA_TYPE, then tokens", select),
    scenario!(
        "sign_in_other_seed",
        Enrolled,
        "Cognito.CodeMismatch (CodeMismatchException)",
        sign_in_with_another_seed
    ),
    scenario!("sign_in_second_try", Enrolled, "tokens", second_try),
    scenario!("sign_in_step_before", Enrolled, "tokens", step_before),
    scenario!("sign_in_same_step", Enrolled, "StepSpent", same_step),
    scenario!("sign_in_used_code", Enrolled, "ExpiredCodeException", used_code),
    scenario!(
        "sign_in_used_session",
        Enrolled,
        "Cognito.SessionConsumed (NotAuthorizedException)",
        used_session
    ),
    scenario!("sign_in_client_secret", Enrolled, "tokens", client_secret),
    scenario!("sign_in_secret_hash", Enrolled, "tokens", secret_hash),
    scenario!(
        "sign_in_wrong_secret",
        Enrolled,
        "Cognito.NotAuthorized (NotAuthorizedException)",
        wrong_secret
    ),
];

fn verified(outcome: Result<String, String>) -> String {
    outcome.map_or_else(|error| error, |_| "SUCCESS".to_owned())
}

async fn verify(scene: &Scene<'_>) -> String {
    verified(scene.verify(&scene.right, ("access-token", &scene.account.access_token)).await)
}

async fn verify_by_session(scene: &Scene<'_>) -> String {
    let (api, account) = (scene.world.api, scene.account);
    match scene.verify(&scene.right, ("session", &account.session)).await {
        Ok(next) => {
            let answer = json!({
                "ClientId": account.app.id, "ChallengeName": "MFA_SETUP", "Session": next,
                "ChallengeResponses": {"USERNAME": account.user},
            });
            format!("SUCCESS, then {}", what_came(&api.call("RespondToAuthChallenge", &answer)))
        }
        Err(error) => error,
    }
}

async fn verify_with_another_seed(scene: &Scene<'_>) -> String {
    verified(scene.verify(&scene.wrong, ("access-token", &scene.account.access_token)).await)
}

/// The claims are those of the user; the signature is invalid.
async fn verify_forged(scene: &Scene<'_>) -> String {
    let (signed, signature) = scene.account.access_token.rsplit_once('.').unwrap();
    let mut signature = BASE64URL_NOPAD.decode(signature.as_bytes()).unwrap();
    signature.reverse();
    let forged = format!("{signed}.{}", BASE64URL_NOPAD.encode(&signature));
    verified(scene.verify(&scene.right, ("access-token", &forged)).await)
}

async fn device_name(scene: &Scene<'_>) -> String {
    let outcome = scene.verify(&scene.right, ("access-token", &scene.account.access_token)).await;
    scene.account.prefer(scene.world.api, false);
    let challenge = scene.account.sign_in(scene.world.api, &scene.account.app);
    let name = challenge.parameters["FRIENDLY_DEVICE_NAME"].as_str().unwrap_or("no name");
    outcome.map_or_else(|error| error, |_| name.to_owned())
}

/// The whole sign-in, with one of the two credentials.
async fn signed_in(scene: &Scene<'_>, credential: &str) -> String {
    signed_in_with(scene, credential, Options::new()).await
}

async fn signed_in_with(scene: &Scene<'_>, credential: &str, more: Options<'static>) -> String {
    let app = &scene.account.app;
    let challenge = scene.account.sign_in(scene.world.api, app);
    scene.respond(credential, &challenge, app, more).await
}

async fn sign_in(scene: &Scene<'_>) -> String {
    signed_in(scene, &scene.right).await
}

async fn sign_in_with_another_seed(scene: &Scene<'_>) -> String {
    signed_in(scene, &scene.wrong).await
}

async fn select(scene: &Scene<'_>) -> String {
    let app = &scene.account.app;
    let mut challenge = scene.account.sign_in(scene.world.api, app);
    let met = std::mem::replace(&mut challenge.name, "SELECT_MFA_TYPE".to_owned());
    format!("{met}, then {}", scene.respond(&scene.right, &challenge, app, Options::new()).await)
}

/// A wrong code does not use up the session.
async fn second_try(scene: &Scene<'_>) -> String {
    let (api, account) = (scene.world.api, scene.account);
    let challenge = account.sign_in(api, &account.app);
    let first = api.answer_with_code(&account.app.id, &challenge.session, &account.user, WRONG);
    assert_eq!(first, "CodeMismatchException");
    scene.respond(&scene.right, &challenge, &account.app, Options::new()).await
}

/// AWS also accepts the code of the previous step.
async fn step_before(scene: &Scene<'_>) -> String {
    let (api, account) = (scene.world.api, scene.account);
    let challenge = account.sign_in(api, &account.app);
    let late = code(&account.seed, scene.world.step() - 1);
    api.answer_with_code(&account.app.id, &challenge.session, &account.user, &late)
}

async fn same_step(scene: &Scene<'_>) -> String {
    assert_eq!(signed_in(scene, &scene.right).await, "tokens");
    signed_in_with(scene, &scene.right, [("timeout", ONE_SUBMISSION_TIMEOUT.into())].into()).await
}

/// Over plain HTTP, because the daemon refuses it.
async fn used_code(scene: &Scene<'_>) -> String {
    let (api, account) = (scene.world.api, scene.account);
    let used = code(&account.seed, scene.world.step());
    assert_eq!(signed_in(scene, &scene.right).await, "tokens");
    let challenge = account.sign_in(api, &account.app);
    api.answer_with_code(&account.app.id, &challenge.session, &account.user, &used)
}

async fn used_session(scene: &Scene<'_>) -> String {
    let (api, account) = (scene.world.api, scene.account);
    let challenge = account.sign_in(api, &account.app);
    let code = code(&account.seed, scene.world.step());
    let first = api.answer_with_code(&account.app.id, &challenge.session, &account.user, &code);
    assert_eq!(first, "tokens");
    // The daemon does not know about that code, so it sends the code of the current step.
    scene.respond(&scene.right, &challenge, &account.app, Options::new()).await
}

async fn with_secret(scene: &Scene<'_>, proof: Options<'static>) -> String {
    let app = &scene.account.secretive;
    let challenge = scene.account.sign_in(scene.world.api, app);
    scene.respond(&scene.right, &challenge, app, proof).await
}

async fn client_secret(scene: &Scene<'_>) -> String {
    let secret = scene.account.secretive.secret.clone().unwrap();
    with_secret(scene, [("client-secret", secret.into())].into()).await
}

async fn secret_hash(scene: &Scene<'_>) -> String {
    let hash = scene.account.secretive.hash(&scene.account.user).unwrap();
    with_secret(scene, [("secret-hash", hash.into())].into()).await
}

async fn wrong_secret(scene: &Scene<'_>) -> String {
    with_secret(scene, [("client-secret", "abcdefghijklmnopqrstuvwx".into())].into()).await
}
