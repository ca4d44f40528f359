//! The fake Cognito with the SDK: a whole enrolment and sign-in, in which each session is valid for one step.

use aws_sdk_cognitoidentityprovider as sdk;
use oathbridge::otp::{Algorithm, Code, Digits, Step, truncate};
use sdk::error::ProvideErrorMetadata;
use sdk::types::{AuthFlowType, ChallengeNameType, VerifySoftwareTokenResponseType};

use crate::rig::{Rig, STEP};

fn sdk_client(rig: &Rig) -> sdk::Client {
    let config = sdk::Config::builder()
        .behavior_version(sdk::config::BehaviorVersion::v2026_01_12())
        .retry_config(sdk::config::retry::RetryConfig::disabled())
        .endpoint_url(rig.fake.url());
    sdk::Client::from_conf(config.build())
}

fn code(secret: &str, step: u64) -> String {
    let key = data_encoding::BASE32_NOPAD.decode(secret.as_bytes()).unwrap();
    let digest = Algorithm::Sha1.hmac(&key, &Step(step).challenge());
    Code::decimal(truncate(&digest).unwrap(), Digits::SIX).expose().to_owned()
}

struct SignIn {
    challenge: ChallengeNameType,
    session: String,
}

async fn sign_in(client: &sdk::Client) -> SignIn {
    let reply = client
        .initiate_auth()
        .auth_flow(AuthFlowType::UserPasswordAuth)
        .client_id("client")
        .auth_parameters("USERNAME", "bob")
        .auth_parameters("PASSWORD", "open sesame")
        .send()
        .await
        .unwrap();
    SignIn { challenge: reply.challenge_name.unwrap(), session: reply.session.unwrap() }
}

#[tokio::test]
async fn enrolment_by_session_then_sign_in_with_the_next_code() {
    let rig = Rig::new();
    rig.fake.add_user("bob", "open sesame").unwrap();
    let client = sdk_client(&rig);

    let first = sign_in(&client).await;
    assert_eq!(first.challenge, ChallengeNameType::MfaSetup);
    let associated = client.associate_software_token().session(&first.session).send().await.unwrap();
    let secret = associated.secret_code.unwrap();
    assert_eq!(secret.len(), 52);
    let associated = associated.session.unwrap();
    let verified = client.verify_software_token().session(&associated).user_code(code(&secret, STEP));
    let verified = verified.send().await.unwrap();
    assert_eq!(verified.status, Some(VerifySoftwareTokenResponseType::Success));
    let setup = client
        .respond_to_auth_challenge()
        .client_id("client")
        .challenge_name(ChallengeNameType::MfaSetup)
        .challenge_responses("USERNAME", "bob")
        .session(verified.session.unwrap());
    let token = setup.send().await.unwrap().authentication_result.unwrap().access_token.unwrap();
    let user = client.get_user().access_token(&token).send().await.unwrap();
    assert_eq!(user.user_mfa_setting_list(), ["SOFTWARE_TOKEN_MFA"]);

    let second = sign_in(&client).await;
    assert_eq!(second.challenge, ChallengeNameType::SoftwareTokenMfa);
    let answer = |code: String| {
        client
            .respond_to_auth_challenge()
            .client_id("client")
            .challenge_name(ChallengeNameType::SoftwareTokenMfa)
            .challenge_responses("USERNAME", "bob")
            .challenge_responses("SOFTWARE_TOKEN_MFA_CODE", code)
            .session(&second.session)
            .send()
    };
    let used = answer(code(&secret, STEP)).await.unwrap_err();
    assert_eq!(used.code(), Some("ExpiredCodeException"));
    let wrong = answer("0000000".to_owned()).await.unwrap_err();
    assert_eq!(wrong.code(), Some("InvalidParameterException"));
    let result = answer(code(&secret, STEP + 1)).await.unwrap().authentication_result.unwrap();
    assert!(result.access_token.is_some());
    let again = answer(code(&secret, STEP - 1)).await.unwrap_err();
    assert_eq!(again.message(), Some("Invalid session for the user, session can only be used once."));
}

#[tokio::test]
async fn a_session_is_valid_for_its_own_step_only() {
    let rig = Rig::new();
    rig.fake.add_user("bob", "open sesame").unwrap();
    let client = sdk_client(&rig);
    let first = sign_in(&client).await;
    let early = client.verify_software_token().session(&first.session).user_code("123456").send().await;
    assert_eq!(early.unwrap_err().code(), Some("NotAuthorizedException"));
    client.associate_software_token().session(&first.session).send().await.unwrap();
    let again = client.associate_software_token().session(&first.session).send().await;
    assert_eq!(again.unwrap_err().code(), Some("NotAuthorizedException"));
    let both = client
        .verify_software_token()
        .session(&rig.ready.session)
        .access_token(&rig.ready.access_token)
        .user_code("123456")
        .send()
        .await;
    assert_eq!(both.unwrap_err().code(), Some("InvalidParameterException"));
}

#[tokio::test]
async fn a_new_seed_by_access_token_replaces_the_old_one_at_once() {
    let rig = Rig::new();
    let client = sdk_client(&rig);
    let token = &rig.ready.access_token;
    let reply = client.associate_software_token().access_token(token).send().await.unwrap();
    assert_eq!(reply.session, None);
    let verify = |code| client.verify_software_token().access_token(token).user_code(code).send();
    let old = verify(code(&rig.ready.secret, STEP)).await.unwrap_err();
    assert_eq!(old.code(), Some("EnableSoftwareTokenMFAException"));
    verify(code(&reply.secret_code.unwrap(), STEP)).await.unwrap();
    assert_eq!(rig.fake.log().last().unwrap().seed, Some(2));
}
