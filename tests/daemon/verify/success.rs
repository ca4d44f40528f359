//! Successful submissions and their replies.

use aws_sdk_cognitoidentityprovider as sdk;
use sdk::types::ChallengeNameType;
use testkit::client::Options;
use testkit::fake_cognito::Reuse;

use super::{Bench, ONE_ATTEMPT};

const REUSES: [Reuse; 3] = [Reuse::Expired, Reuse::EnableMfa, Reuse::StatusError];

#[testkit::test]
async fn an_access_token_is_verified_once_in_a_step() {
    let bench = Bench::new(ONE_ATTEMPT).await;
    for reuse in REUSES {
        bench.world.cognito.set_reuse(reuse);
        let fresh = bench.fresh().await;
        let step = bench.world.step().unwrap();
        let reply = bench.verify(&fresh).await.unwrap();
        assert_eq!((reply.status.as_str(), reply.session.as_str()), ("SUCCESS", ""));
        assert_eq!(u32::try_from(&reply.extra["attempts"]), Ok(1));
        assert_eq!(<&str>::try_from(&reply.extra["request-id"]).unwrap().len(), 36);
        assert!(f64::try_from(&reply.extra["clock-skew"]).unwrap().abs() < 5.0);
        let entry = bench.world.cognito.log().pop().unwrap();
        assert_eq!((entry.user.as_deref(), entry.step), (Some(fresh.user.user.as_str()), Some(step)));

        let arrived = bench.arrived();
        let again = bench.verify(&fresh).await.unwrap_err();
        assert_eq!(again.name, "StepSpent", "{reuse:?}");
        let opens = format!("Unix time {}", (step + 1) * 30);
        assert!(again.sentence.contains(&opens), "{}", again.sentence);
        assert_eq!(bench.arrived(), arrived);
    }
    bench.assert_single_use();
}

#[testkit::test]
async fn the_session_of_cognito_is_returned_unchanged() {
    let bench = Bench::new(ONE_ATTEMPT).await;
    let config = sdk::Config::builder()
        .behavior_version(sdk::config::BehaviorVersion::v2026_01_12())
        .endpoint_url(bench.world.cognito.url());
    let cognito = sdk::Client::from_conf(config.build());
    for reuse in REUSES {
        bench.world.cognito.set_reuse(reuse);
        let fresh = bench.fresh().await;
        let session = fresh.user.session.as_str();
        let options = [("session", session.into()), ("profile", "fake".into())];
        let reply = bench.world.client.verify(&fresh.path, options.into()).await.unwrap();
        assert_eq!(reply.status, "SUCCESS");
        // The next call of the sign-in accepts this session, and no other.
        let answer = |session: &str| {
            cognito
                .respond_to_auth_challenge()
                .client_id("client")
                .challenge_name(ChallengeNameType::MfaSetup)
                .challenge_responses("USERNAME", &fresh.user.user)
                .session(session)
                .send()
        };
        assert!(answer(session).await.is_err());
        assert!(answer(&reply.session).await.unwrap().authentication_result.is_some(), "{reuse:?}");
    }
    bench.assert_single_use();
}

#[testkit::test]
async fn a_code_that_was_used_elsewhere_is_refused() {
    use oathbridge::otp::{Algorithm, Code, Digits, truncate};
    let bench = Bench::new(ONE_ATTEMPT).await;
    let config = sdk::Config::builder()
        .behavior_version(sdk::config::BehaviorVersion::v2026_01_12())
        .endpoint_url(bench.world.cognito.url());
    let cognito = sdk::Client::from_conf(config.build());
    for (reuse, error) in REUSES.into_iter().zip(["CodeAlreadyUsed", "CodeMismatch", "CodeMismatch"]) {
        bench.world.cognito.set_reuse(reuse);
        let fresh = bench.fresh().await;
        let step = bench.world.step().unwrap();
        let word = truncate(&Algorithm::Sha1.hmac(&fresh.key, &step.to_be_bytes())).unwrap();
        let code = Code::decimal(word, Digits::SIX);
        let elsewhere = cognito.verify_software_token().access_token(&fresh.user.access_token);
        elsewhere.user_code(code.expose()).send().await.unwrap();
        let refusal = bench.verify(&fresh).await.unwrap_err();
        assert_eq!(refusal.name, format!("Cognito.{error}"), "{reuse:?}");
        // A refused code is spent as well.
        assert_eq!(bench.verify(&fresh).await.unwrap_err().name, "StepSpent");
    }
}

#[testkit::test]
async fn the_token_gets_a_device_name() {
    let bench = Bench::new(ONE_ATTEMPT).await;
    for (given, name) in [(None, "YubiKey 5 5926"), (Some("My key"), "My key")] {
        let fresh = bench.fresh().await;
        let token = fresh.user.access_token.as_str();
        let mut options: Options<'_> = [("access-token", token.into()), ("profile", "fake".into())].into();
        options.extend(given.map(|name| ("friendly-device-name", name.into())));
        bench.world.client.verify(&fresh.path, options).await.unwrap();
        assert_eq!(bench.world.cognito.log().pop().unwrap().device_name.as_deref(), Some(name));
    }
}

#[testkit::test]
async fn a_secret_may_be_passed_in_a_descriptor() {
    use std::os::fd::AsFd;
    let bench = Bench::new(ONE_ATTEMPT).await;
    for name in ["access-token", "session"] {
        let fresh = bench.fresh().await;
        let secret = if name == "session" { &fresh.user.session } else { &fresh.user.access_token };
        let file = testkit::client::memfd(format!("{secret}\n").as_bytes()).unwrap();
        let options = [(name, zbus::Fd::from(file.as_fd()).into()), ("profile", "fake".into())];
        bench.world.client.verify(&fresh.path, options.into()).await.unwrap();
    }
}
