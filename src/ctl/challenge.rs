//! `oathbridgectl challenge`: answers the challenge of a sign-in. Input and output are JSON of the Cognito API.

use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::time::Duration;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use zbus::{Fd, ObjectPath, Variant};
use zeroize::Zeroize;

use super::arguments::ChallengeArguments;
use super::asked::{Asked, Task};
use super::bus::Bus;
use super::follow::Follower;
use super::proxies::{Extra, Options};
use super::secret_input::{self, Source};
use super::style::Style;
use super::tree::{Credential, Tree};
use super::{Failure, Output, query};
use crate::secret::sealed;

/// The response of `InitiateAuth`; only the members that are needed here.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Challenge {
    challenge_name: String,
    session: String,
    #[serde(default)]
    challenge_parameters: HashMap<String, String>,
}

const COMPLETE: &str = "The sign-in is complete; no second factor was asked for.";

/// The challenges that a token answers.
const ANSWERED: [&str; 2] = ["SOFTWARE_TOKEN_MFA", "SELECT_MFA_TYPE"];

impl Drop for Challenge {
    fn drop(&mut self) {
        self.session.zeroize();
    }
}

/// The response of `RespondToAuthChallenge`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Answer<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    authentication_result: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    challenge_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<String>,
    challenge_parameters: HashMap<String, String>,
}

pub(super) async fn run(arguments: &ChallengeArguments, style: Style) -> Result<Output, Failure> {
    // Before the session is used up.
    secret_input::check_output("tokens")?;
    let bus = Bus::connect().await?;
    let tree = bus.tree().await?;
    let named = named(&tree, arguments.query.as_deref(), arguments.token.as_deref())?;
    check(&tree, arguments)?;
    let challenge = parse(&secret_input::text(Source::Stdin.read_json("challenge")?)?)?;
    let client_secret =
        arguments.client_secret_fd.map(|number| Source::Descriptor(number).read("client secret"));
    let client_secret = client_secret.transpose()?;
    answer(&bus, &tree, named, &challenge, (arguments, client_secret.as_ref()), style).await
}

/// Answers the challenge in a response of `InitiateAuth`, with the secret of the app client if it was given.
pub(super) async fn respond(
    bus: &Bus,
    tree: &Tree,
    response: &str,
    (arguments, client_secret): (&ChallengeArguments, Option<&OwnedFd>),
    style: Style,
) -> Result<Output, Failure> {
    let named = named(tree, arguments.query.as_deref(), arguments.token.as_deref())?;
    answer(bus, tree, named, &parse(response)?, (arguments, client_secret), style).await
}

/// Whether a response of `InitiateAuth` has tokens already.
pub(super) fn is_complete(response: &str) -> bool {
    let members = serde_json::from_str::<HashMap<String, IgnoredAny>>(response);
    members.is_ok_and(|members| members.contains_key("AuthenticationResult"))
}

/// Answers a challenge with a code of the named credential, or of the one that the profile names.
async fn answer(
    bus: &Bus,
    tree: &Tree,
    named: Option<&Credential>,
    challenge: &Challenge,
    (arguments, client_secret): (&ChallengeArguments, Option<&OwnedFd>),
    style: Style,
) -> Result<Output, Failure> {
    let session = sealed(challenge.session.as_bytes())
        .map_err(|error| Failure::of_system("Passing the session to the daemon", &error))?;
    let options = options(arguments, challenge, &session, client_secret);
    let path = named.map_or("/", |credential| credential.path.as_str());
    let path = ObjectPath::try_from(path)
        .map_err(|error| Failure::failed("Naming the credential to the daemon", error))?;
    let asked = Asked {
        task: Task::Submit,
        account: named.map(|credential| credential.account.clone()),
        profile: arguments.profile.clone(),
        profiles: tree.profiles.iter().map(|profile| profile.name.clone()).collect(),
        timeout: Some(arguments.timeout),
    };
    let timeout = Duration::from_secs(arguments.timeout.into());
    let follower = Follower::new(bus, tree, named, timeout).await?.quietly(style.quiet);
    output(follower.during(&asked, bus.respond(&path, options, timeout)).await?)
}

/// The credential that the arguments name, if any.
pub(super) fn named<'tree>(
    tree: &'tree Tree,
    query: Option<&str>,
    token: Option<&str>,
) -> Result<Option<&'tree Credential>, Failure> {
    match query {
        Some(query) => query::credential(tree, query, token).map(Some),
        None if token.is_some() => {
            Err(Failure::usage("--token needs a credential; name the credential to search for."))
        }
        None => Ok(None),
    }
}

/// Refuses what cannot succeed, before the challenge is read.
fn check(tree: &Tree, arguments: &ChallengeArguments) -> Result<(), Failure> {
    let Some(name) = &arguments.profile else {
        return match (&arguments.client_id, &arguments.region) {
            (None, _) => Err(Failure::usage("Name the app client: add --client-id ID or --profile NAME.")),
            (_, None) => Err(Failure::usage("Name the region: add --region REGION or --profile NAME.")),
            _ => Ok(()),
        };
    };
    let profile = tree.profiles.iter().find(|profile| profile.name == *name);
    if profile.is_some_and(|profile| profile.client_id.is_empty()) && arguments.client_id.is_none() {
        return Err(Failure::usage(format!(
            "Profile \"{name}\" has no client_id; add --client-id ID, or client_id to the profile."
        )));
    }
    Ok(())
}

/// The challenge in the response of `InitiateAuth`.
///
/// # Errors
///
/// Wrong usage for anything else, and for a challenge that no token answers.
fn parse(text: &str) -> Result<Challenge, Failure> {
    if is_complete(text) {
        return Err(Failure::usage(COMPLETE));
    }
    let challenge: Challenge = serde_json::from_str(text).map_err(|_| {
        Failure::usage(
            "The input is not a challenge; pass the response of InitiateAuth as JSON with ChallengeName, Session and ChallengeParameters.",
        )
    })?;
    if ANSWERED.contains(&challenge.challenge_name.as_str()) {
        return Ok(challenge);
    }
    Err(unanswerable(&challenge.challenge_name))
}

/// The failure for a challenge that no token answers.
pub(super) fn unanswerable(name: &str) -> Failure {
    let is_name = |letter: u8| letter.is_ascii_uppercase() || letter.is_ascii_digit() || letter == b'_';
    let shown = if name.len() <= 40 && name.bytes().all(is_name) { name } else { "another challenge" };
    let advice = match name {
        "SMS_MFA" | "EMAIL_OTP" | "SMS_OTP" => "choose the authenticator app for this user",
        "NEW_PASSWORD_REQUIRED" => "set a new password for this user first",
        "MFA_SETUP" => "enrol a token for this user first, with `oathbridgectl verify`",
        "PASSWORD_VERIFIER" | "PASSWORD" | "PASSWORD_SRP" => {
            "answer it with the password first, and pass the challenge that follows"
        }
        "DEVICE_SRP_AUTH" | "DEVICE_PASSWORD_VERIFIER" => {
            "sign in without the device key, or have the device forgotten"
        }
        _ => "answer it with the program that began the sign-in",
    };
    Failure::usage(format!("Cognito asked for {shown}, which a token can't answer; {advice}."))
}

fn options<'a>(
    arguments: &'a ChallengeArguments,
    challenge: &'a Challenge,
    session: &'a OwnedFd,
    client_secret: Option<&'a OwnedFd>,
) -> Options<'a> {
    let mut options = Options::from([
        ("challenge-name", challenge.challenge_name.as_str().into()),
        ("session", Variant::Fd(Fd::from(session))),
        ("challenge-parameters", challenge.challenge_parameters.clone().into()),
        ("tokens-as-fd", true.into()),
        ("timeout", arguments.timeout.into()),
        ("wait-for-token", arguments.wait_for_token.into()),
    ]);
    let texts = [
        ("profile", &arguments.profile),
        ("client-id", &arguments.client_id),
        ("region", &arguments.region),
        ("username", &arguments.username),
        ("device-key", &arguments.device_key),
    ];
    for (key, text) in texts {
        if let Some(text) = text {
            options.insert(key, text.as_str().into());
        }
    }
    if let Some(secret) = client_secret {
        options.insert("client-secret", Variant::Fd(Fd::from(secret)));
    }
    Follower::add_handle(&mut options);
    options
}

fn output(mut reply: Extra) -> Result<Output, Failure> {
    let tokens = match reply.remove("tokens").map(Variant::from) {
        Some(Variant::Fd(fd)) => {
            let fd = OwnedFd::try_from(fd).map_err(|error| Failure::failed("Reading the tokens", error))?;
            Some(secret_input::text(fd)?)
        }
        _ => None,
    };
    let result = tokens.as_ref().map(|tokens| serde_json::from_str(tokens)).transpose();
    let mut take = |key: &str| reply.remove(key).and_then(|value| String::try_from(value).ok());
    let (challenge_name, session) = (take("challenge-name"), take("session"));
    let parameters = reply.remove("challenge-parameters").and_then(|value| HashMap::try_from(value).ok());
    Output::json(&Answer {
        authentication_result: result.map_err(|error| Failure::failed("Reading the tokens", error))?,
        challenge_name,
        session,
        challenge_parameters: parameters.unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_challenge_that_a_token_answers_is_accepted() {
        let failure = |text: &str| parse(text).err().map(|failure| failure.sentence().to_owned());
        assert_eq!(failure(r#"{"ChallengeName": "SOFTWARE_TOKEN_MFA", "Session": "s"}"#), None);
        assert_eq!(
            failure(r#"{"AuthenticationResult": {"AccessToken": "a"}, "ChallengeParameters": {}}"#),
            Some(COMPLETE.to_owned())
        );
        let sms = failure(r#"{"ChallengeName": "SMS_MFA", "Session": "s"}"#).unwrap();
        assert!(sms.starts_with("Cognito asked for SMS_MFA, which a token can't answer"), "{sms}");
        assert!(sms.ends_with("choose the authenticator app for this user."), "{sms}");
        let new = failure(r#"{"ChallengeName": "NEW_PASSWORD_REQUIRED", "Session": "s"}"#).unwrap();
        assert!(new.ends_with("set a new password for this user first."), "{new}");
        let other = failure(r#"{"ChallengeName": "\u001b[2J", "Session": "s"}"#).unwrap();
        assert!(other.starts_with("Cognito asked for another challenge"), "{other}");
        assert!(failure("{}").unwrap().contains("InitiateAuth"));
    }
}
