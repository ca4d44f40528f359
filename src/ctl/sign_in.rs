//! `oathbridgectl sign-in`: a whole sign-in with a password and a code, for the shell and for `credential_process`.

use std::collections::HashMap;
use std::io::{BufRead, IsTerminal, Write, stderr, stdin};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use zeroize::Zeroizing;

use super::arguments::{ChallengeArguments, SignInArguments};
use super::aws::{self, Aws};
use super::bus::Bus;
use super::client_secret::ClientSecret;
use super::profile::Profile;
use super::secret_input::{self, Source};
use super::style::Style;
use super::tree::Tree;
use super::{Failure, Output, challenge};

/// The input of `InitiateAuth`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Start<'a> {
    auth_flow: &'static str,
    client_id: &'a str,
    auth_parameters: HashMap<&'static str, &'a str>,
}

/// A sign-in that wants one more step after the code.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Unfinished {
    challenge_name: String,
}

/// The tokens of a sign-in; only the member that is needed here.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SignedIn {
    authentication_result: IdToken,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct IdToken {
    id_token: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Identity {
    identity_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Issued {
    credentials: Credentials,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Credentials {
    access_key_id: String,
    secret_key: String,
    session_token: String,
    expiration: Value,
}

/// What a `credential_process` prints (AWS SDKs and Tools Reference Guide, Process credential provider).
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Process<'a> {
    version: u32,
    access_key_id: &'a str,
    secret_access_key: &'a str,
    session_token: &'a str,
    /// RFC 3339.
    expiration: String,
}

pub(super) async fn run(arguments: &SignInArguments, style: Style) -> Result<Output, Failure> {
    // Before the code is used up.
    secret_input::check_output("tokens")?;
    let bus = Bus::connect().await?;
    let tree = bus.tree().await?;
    let profile = Profile::find(&tree.profiles, &arguments.profile)?;
    let lacking = |key: &str| {
        Failure::usage(format!("Profile \"{}\" has no {key}; add {key} to the profile.", profile.name))
    };
    if profile.client_id.is_empty() {
        return Err(lacking("client_id"));
    }
    if arguments.identity_pool.is_some() && profile.user_pool_id.is_empty() {
        return Err(lacking("user_pool_id"));
    }
    // Before the password is typed and Cognito opens a session.
    challenge::named(&tree, arguments.query.as_deref(), arguments.token.as_deref())?;
    let tokens = tokens(&bus, &tree, profile, arguments, style).await?;
    match &arguments.identity_pool {
        Some(pool) => credentials(&tokens.text, pool, profile),
        None => Ok(tokens),
    }
}

/// Signs in with a password and, if Cognito asks for it, a code.
async fn tokens(
    bus: &Bus,
    tree: &Tree,
    profile: &Profile,
    arguments: &SignInArguments,
    style: Style,
) -> Result<Output, Failure> {
    let client_secret = ClientSecret::find(arguments.client_secret_fd, profile)?;
    let username = arguments.username.clone().map_or_else(ask_username, Ok)?;
    let answer = start(profile, &username, arguments, &client_secret)?;
    if challenge::is_complete(&answer) {
        return Ok(Output { text: answer, ..Output::text("") });
    }
    let with_code = ChallengeArguments {
        query: arguments.query.clone(),
        token: arguments.token.clone(),
        profile: Some(profile.name.clone()),
        client_id: None,
        region: None,
        username: Some(username),
        client_secret_fd: None,
        device_key: None,
        wait_for_token: arguments.wait_for_token,
        timeout: arguments.timeout,
    };
    let given = client_secret.for_daemon()?;
    challenge::respond(bus, tree, &answer, (&with_code, given.as_ref()), style).await
}

/// The response of `InitiateAuth` to the user's password.
fn start(
    profile: &Profile,
    username: &str,
    arguments: &SignInArguments,
    client_secret: &ClientSecret,
) -> Result<Zeroizing<String>, Failure> {
    let source = Source::given(arguments.password_stdin, arguments.password_fd).or_else(Source::terminal);
    let source = source.ok_or_else(|| {
        Failure::usage("There is no terminal to ask for the password; add --password-stdin or --password-fd.")
    })?;
    let password = secret_input::text(source.read("password")?)?;
    let password = password.trim_end_matches(['\r', '\n']);
    let proof = client_secret.proof(username, &profile.client_id);
    let mut start = Start {
        auth_flow: "USER_PASSWORD_AUTH",
        client_id: &profile.client_id,
        auth_parameters: HashMap::from([("USERNAME", username), ("PASSWORD", password)]),
    };
    if let Some(proof) = &proof {
        start.auth_parameters.insert("SECRET_HASH", proof);
    }
    let aws = Aws { region: &profile.region, endpoint: &profile.endpoint };
    aws.call("cognito-idp", "initiate-auth", &start)
}

/// Changes the tokens of a sign-in into credentials of an identity pool, for `credential_process`.
fn credentials(tokens: &str, pool: &str, profile: &Profile) -> Result<Output, Failure> {
    if let Ok(Unfinished { challenge_name }) = serde_json::from_str(tokens) {
        return Err(challenge::unanswerable(&challenge_name));
    }
    let SignedIn { authentication_result } = aws::parse(tokens)?;
    let provider = format!("cognito-idp.{}.amazonaws.com/{}", profile.region, profile.user_pool_id);
    let logins = HashMap::from([(provider, authentication_result.id_token.as_str())]);
    let (region, _) = pool.split_once(':').unwrap_or((&profile.region, ""));
    let aws = Aws { region, endpoint: "" };
    let ask = serde_json::json!({ "IdentityPoolId": pool, "Logins": logins });
    let Identity { identity_id } = aws::parse(&aws.call("cognito-identity", "get-id", &ask)?)?;
    let ask = serde_json::json!({ "IdentityId": identity_id, "Logins": logins });
    let Issued { credentials } =
        aws::parse(&aws.call("cognito-identity", "get-credentials-for-identity", &ask)?)?;
    Output::json(&Process {
        version: 1,
        access_key_id: &credentials.access_key_id,
        secret_access_key: &credentials.secret_key,
        session_token: &credentials.session_token,
        expiration: rfc3339(&credentials.expiration),
    })
}

/// The time as `credential_process` has to print it. The AWS CLI prints text, or in its first version a number of Unix
/// seconds.
fn rfc3339(time: &Value) -> String {
    let text = time.as_str().map(str::to_owned);
    #[expect(clippy::cast_possible_truncation, reason = "a time of day has no use for more")]
    let seconds = time.as_f64().map(|seconds| seconds as i64);
    let of_number = || Some(Timestamp::from_second(seconds?).ok()?.to_string());
    text.or_else(of_number).unwrap_or_default()
}

fn ask_username() -> Result<String, Failure> {
    if !stdin().is_terminal() {
        return Err(Failure::usage("Name the user who signs in: add --username NAME."));
    }
    // If standard error is closed, the question is not shown.
    let _ = write!(stderr(), "User name: ");
    let mut line = String::new();
    stdin()
        .lock()
        .read_line(&mut line)
        .map_err(|error| Failure::of_system("Reading the user name", &error))?;
    match line.trim() {
        "" => Err(Failure::usage("The user name was empty; add --username NAME.")),
        name => Ok(name.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_expiration_is_text() {
        for time in [serde_json::json!(1_893_456_000), serde_json::json!(1_893_456_000.5)] {
            assert_eq!(rfc3339(&time), "2030-01-01T00:00:00Z");
        }
        assert_eq!(rfc3339(&serde_json::json!("2030-01-01T00:00:00+00:00")), "2030-01-01T00:00:00+00:00");
    }

    #[test]
    fn a_further_challenge_is_named() {
        let profile = Profile::default();
        let further =
            r#"{"ChallengeName": "NEW_PASSWORD_REQUIRED", "Session": "s", "ChallengeParameters": {}}"#;
        let failure = credentials(further, "eu-central-1:pool", &profile).unwrap_err();
        assert!(failure.sentence().contains("NEW_PASSWORD_REQUIRED"), "{failure:?}");
    }
}
