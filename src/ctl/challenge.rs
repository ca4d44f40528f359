//! `oathbridgectl challenge`: answers the challenge of a sign-in. Input and output are JSON of the Cognito API.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek};
use std::os::fd::OwnedFd;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use zbus::{Fd, ObjectPath, Variant};
use zeroize::{Zeroize, Zeroizing};

use super::arguments::ChallengeArguments;
use super::bus::{Bus, Extra, Options};
use super::follow::Follower;
use super::secret_input::Source;
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

pub(super) async fn run(arguments: &ChallengeArguments) -> Result<Output, Failure> {
    let bus = Bus::connect().await?;
    let tree = bus.tree().await?;
    let named = match &arguments.query {
        Some(query) => Some(query::credential(&tree, query, arguments.token.as_deref())?),
        None if arguments.token.is_some() => {
            return Err(Failure::usage("--token needs a credential; name the credential to search for."));
        }
        None => None,
    };
    let challenge = read_challenge()?;
    let session = sealed(challenge.session.as_bytes())
        .map_err(|error| Failure::failed("Passing the session to the daemon", error))?;
    let client_secret = match arguments.client_secret_fd {
        Some(number) => Some(Source::Descriptor(number).read("client secret")?),
        None => None,
    };
    let options = options(arguments, &challenge, &session, client_secret.as_ref());
    let path = named.map_or("/", |credential| credential.path.as_str());
    let path = ObjectPath::try_from(path)
        .map_err(|error| Failure::failed("Naming the credential to the daemon", error))?;
    let timeout = Duration::from_secs(arguments.timeout.into());
    let follower = Follower::new(&bus, &tree, named, timeout).await?;
    output(follower.during(bus.respond(&path, options, timeout)).await?)
}

fn read_challenge() -> Result<Challenge, Failure> {
    let text = text(Source::Stdin.read("challenge")?)?;
    serde_json::from_str(&text).map_err(|_| {
        Failure::usage(
            "The input is not a challenge; pass the response of InitiateAuth as JSON with ChallengeName, Session and ChallengeParameters.",
        )
    })
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
            Some(text(fd)?)
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

fn text(fd: OwnedFd) -> Result<Zeroizing<String>, Failure> {
    let mut file = File::from(fd);
    let mut text = Zeroizing::new(String::new());
    file.rewind()
        .and_then(|()| file.read_to_string(&mut text))
        .map_err(|error| Failure::failed("Reading the descriptor", error))?;
    Ok(text)
}
