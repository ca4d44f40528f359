//! Successful sign-ins, with the current code.

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;

use data_encoding::BASE64;
use oathbridge::otp::Algorithm;
use testkit::client::memfd;
use zbus::{Fd, Variant};

use super::{Bench, CLIENT, text, tokens};

#[testkit::test]
async fn the_tokens_of_the_sign_in_are_returned() {
    let bench = Bench::new().await;
    let reply = bench.respond(&bench.first, bench.options(&bench.session())).await.unwrap();
    let tokens = tokens(&reply);
    let access_token = text(&tokens, "access-token").unwrap();
    assert!(access_token.split('.').count() == 3, "a JSON Web Token");
    assert_eq!(text(&tokens, "token-type").as_deref(), Some("Bearer"));
    let id_token = text(&tokens, "id-token").unwrap();
    assert!(id_token.split('.').count() == 3 && id_token != access_token);
    assert_eq!(text(&tokens, "refresh-token").unwrap(), format!("refresh.{access_token}"));
    assert_eq!(u32::try_from(tokens["expires-in"].try_clone().unwrap()).unwrap(), 3600);
    assert_eq!(u32::try_from(reply["attempts"].try_clone().unwrap()).unwrap(), 1);
    assert_eq!(text(&reply, "request-id").unwrap().len(), 36);
}

#[testkit::test]
async fn the_session_and_the_tokens_may_be_passed_in_descriptors() {
    let bench = Bench::new().await;
    let session = memfd(bench.session().as_bytes()).unwrap();
    let mut options = bench.options("");
    options.insert("session", Variant::Fd(Fd::from(session)));
    options.insert("tokens-as-fd", true.into());
    let mut reply = bench.respond(&bench.first, options).await.unwrap();
    assert!(!reply.contains_key("authentication-result"));
    let Variant::Fd(fd) = Variant::from(reply.remove("tokens").unwrap()) else { panic!("no descriptor") };
    let mut json = String::new();
    File::from(OwnedFd::try_from(fd).unwrap()).read_to_string(&mut json).unwrap();
    let result: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(result["TokenType"], "Bearer");
    assert_eq!(result["RefreshToken"].as_str().unwrap().split('.').count(), 4);
}

#[testkit::test]
async fn an_app_client_with_a_secret_is_accepted() {
    let bench = Bench::new().await;
    let secret = "abcdefghijklmnopqrstuvwx";
    bench.world.cognito.set_client_secret(secret);
    let session = bench.session();
    let refusal = bench.respond(&bench.first, bench.options(&session)).await.unwrap_err();
    assert_eq!(refusal.name, "Cognito.NotAuthorized");
    let mut options = bench.options(&session);
    options.insert("timeout", Variant::from(60_u32));
    options.insert("client-secret", secret.into());
    bench.in_the_next_step(bench.respond(&bench.first, options)).await.unwrap();
    bench.assert_single_use();
}

#[testkit::test]
async fn an_app_may_pass_its_own_secret_hash() {
    let bench = Bench::new().await;
    bench.world.cognito.set_client_secret("abcdefghijklmnopqrstuvwx");
    let mac = Algorithm::Sha256.hmac(b"abcdefghijklmnopqrstuvwx", format!("alice{CLIENT}").as_bytes());
    let mut options = bench.options(&bench.session());
    options.insert("secret-hash", BASE64.encode(&mac).into());
    bench.respond(&bench.first, options).await.unwrap();
}

/// The call has all parameters, and there is no profile.
#[testkit::test]
async fn with_the_endpoint_of_aws_a_profile_is_optional() {
    let bench = Bench::new().await;
    let mut options = bench.options(&bench.session());
    options.remove("profile");
    options.insert("client-id", CLIENT.into());
    let refusal = bench.respond(&bench.first, options).await.unwrap_err();
    assert!(refusal.sentence.contains("region"), "{refusal:?}");
}

#[testkit::test]
async fn a_new_device_gets_a_key_and_signs_in_with_it_from_then_on() {
    let bench = Bench::new().await;
    bench.world.cognito.track_devices();
    let reply = bench.respond(&bench.first, bench.options(&bench.session())).await.unwrap();
    let first = tokens(&reply);
    let key = text(&first, "device-key").unwrap();
    assert!(text(&first, "device-group-key").is_some_and(|group| !group.is_empty()));

    let mut options = bench.options(&bench.session());
    options.insert("timeout", Variant::from(60_u32));
    options.insert("device-key", key.into());
    let again = bench.in_the_next_step(bench.respond(&bench.first, options)).await.unwrap();
    let again = tokens(&again);
    assert!(text(&again, "access-token").is_some() && text(&again, "device-key").is_none());
}
