//! `RespondToMfaChallenge`: the second factor of the daily sign-in.

use std::collections::{BTreeMap, HashMap};
use std::os::fd::OwnedFd;
use std::sync::Arc;

use serde_json::json;
use zbus::message::Header;
use zbus::{Fd, OwnedObjectPath, OwnedVariant, Variant};
use zeroize::Zeroizing;

use crate::cognito::{self, NextChallenge, Proof, Responded, Respondent, Session, Tokens};
use crate::config::Profile;
use crate::dbus::args::{
    Common, Destination, DeviceName, Map, Options, Passed, endpoint, find_profile, policy, put_text,
    read_client_secret, target, variant,
};
use crate::dbus::bridge::Bridge;
use crate::dbus::call::Call;
use crate::dbus::error::Error;
use crate::dbus::operate::Task;
use crate::dbus::records::details;
use crate::flows::{ChallengeRequest, ChallengeStep, Submission, Target};
use crate::operations::{self, Operation};
use crate::secret::{SecretText, sealed};

/// The options of the call.
struct Asked {
    step: ChallengeStep,
    session: Passed,
    username: Option<String>,
    parameters: BTreeMap<String, String>,
    profile: Option<String>,
    client_id: Option<String>,
    region: Option<String>,
    client_secret: Option<Passed>,
    secret_hash: Option<Passed>,
    device_key: Option<String>,
    metadata: HashMap<String, String>,
    tokens_as_fd: bool,
    common: Common,
}

pub(super) async fn respond(
    bridge: &Arc<Bridge>,
    credential: &OwnedObjectPath,
    options: Map,
    header: &Header<'_>,
) -> Result<Map, Error> {
    let call = Call::authorize(bridge, header).await?;
    let asked = read(options)?;
    let (tokens_as_fd, common) = (asked.tokens_as_fd, asked.common.clone());
    let request = request(bridge, credential, asked, &call).await?;
    let credential = match &request.submission.credential {
        Target::Id(id) => Some(id.clone()),
        Target::Query(_) => None,
    };
    let task = Task { kind: operations::Kind::RespondToMfaChallenge, credential, token: None, common };
    let flows = call.flows();
    let work = async |operation: &Operation| {
        let responded = flows.respond(&request, operation).await;
        let mut map = reply(bridge.judged(responded, operation)?, tokens_as_fd)?;
        let mut details = details(&operation.details());
        details.remove("submitted");
        map.extend(details);
        Ok(map)
    };
    call.operate(task, work, copy).await
}

fn read(options: Map) -> Result<Asked, Error> {
    let mut options = Options::new(options);
    let step = match options.text("challenge-name")?.as_deref() {
        Some("SOFTWARE_TOKEN_MFA") => ChallengeStep::SoftwareTokenMfa,
        Some("SELECT_MFA_TYPE") => ChallengeStep::SelectMfaType,
        _ => {
            return Err(Error::invalid(
                "Only the challenges SOFTWARE_TOKEN_MFA and SELECT_MFA_TYPE are supported; choose software token MFA for this user",
            ));
        }
    };
    let session = options.secret("session")?;
    let client_secret = options.secret("client-secret")?;
    let secret_hash = options.secret("secret-hash")?;
    if client_secret.is_some() && secret_hash.is_some() {
        return Err(Error::invalid(
            "The options client-secret and secret-hash exclude each other; pass one of them",
        ));
    }
    let asked = Asked {
        step,
        session: session.ok_or_else(|| {
            Error::invalid("The session is missing; pass the session that came with the challenge")
        })?,
        username: options.text("username")?,
        parameters: options.texts("challenge-parameters")?.into_iter().collect(),
        profile: options.text("profile")?,
        client_id: options.text("client-id")?,
        region: options.text("region")?,
        client_secret,
        secret_hash,
        device_key: options.text("device-key")?,
        metadata: options.texts("client-metadata")?,
        tokens_as_fd: options.flag("tokens-as-fd", false)?,
        common: options.common()?,
    };
    options.finish()?;
    Ok(asked)
}

/// Makes all checks that do not need the token.
async fn request(
    bridge: &Bridge,
    credential: &OwnedObjectPath,
    asked: Asked,
    call: &Call<'_>,
) -> Result<ChallengeRequest, Error> {
    let config = bridge.settings.now();
    let profile_name = asked.profile;
    let profile = profile_name.as_deref().map(|name| find_profile(&config.config, name)).transpose()?;
    let client_id = asked.client_id.or_else(|| profile.and_then(|profile| profile.client_id.clone()));
    let client_id = client_id.ok_or_else(|| {
        Error::invalid("The app client is not known; pass the option client-id, or a profile that has one")
    })?;
    let endpoint = endpoint(None, profile, asked.region)?;
    let (named, client) = (profile_name.as_deref(), Some(client_id.as_str()));
    let destination = Destination::of(named, None, client, &endpoint);
    let credential = target(credential, profile, device_name(&asked.parameters, asked.step))?;
    // Before a secret is read, and again with the configuration that the code is sent with.
    call.permit(&config.config, &credential, destination.clone())?;
    let session = call.secret(asked.session).await?;
    let proof = proof(asked.client_secret, asked.secret_hash, call).await?;
    let username = proof.username(asked.username, &asked.parameters);
    let username = username.ok_or_else(|| {
        Error::invalid(
            "The user name is not known; pass the option username or the option challenge-parameters",
        )
    })?;
    let kept = if matches!(proof, Proof::None) { secret_name(profile, &client_id) } else { None };
    let proof = match kept {
        Some(name) => Proof::ClientSecret(read_client_secret(name).await?),
        None => proof,
    };
    let respondent = Respondent::new(client_id, username, proof, asked.device_key, asked.metadata)?;
    let current = bridge.settings.now();
    let permits = call.permit(&current.config, &credential, destination.clone())?;
    Ok(ChallengeRequest {
        submission: Submission {
            account: destination.account(
                &current.config,
                std::iter::once(respondent.username()),
                call.program(),
            ),
            permits,
            credential,
            endpoint,
            policy: policy(&current.config.cognito),
        },
        step: asked.step,
        session: Session::parse(session)?,
        respondent,
    })
}

fn device_name(parameters: &BTreeMap<String, String>, step: ChallengeStep) -> DeviceName {
    match (cognito::device_name(parameters), step) {
        (Some(name), _) => DeviceName::Is(name),
        (None, ChallengeStep::SelectMfaType) => DeviceName::Later,
        (None, ChallengeStep::SoftwareTokenMfa) => DeviceName::Never,
    }
}

/// The proof of the app client; the call has at most one of the two options.
async fn proof(
    client_secret: Option<Passed>,
    secret_hash: Option<Passed>,
    call: &Call<'_>,
) -> Result<Proof, Error> {
    Ok(match (client_secret, secret_hash) {
        (Some(secret), _) => Proof::ClientSecret(call.secret(secret).await?),
        (None, Some(hash)) => Proof::SecretHash(call.secret(hash).await?),
        (None, None) => Proof::None,
    })
}

/// The systemd credential with the secret of this app client, if the profile is for this app client.
fn secret_name<'p>(profile: Option<&'p Profile>, client_id: &str) -> Option<&'p str> {
    let profile = profile.filter(|profile| profile.client_id.as_deref() == Some(client_id))?;
    profile.client_secret_credential.as_deref()
}

fn reply(responded: Responded, as_fd: bool) -> Result<Map, Error> {
    Ok(match responded {
        Responded::Tokens(tokens) if as_fd => {
            let json = Variant::Fd(Fd::from(in_memory(&tokens).map_err(|_| Error::internal())?));
            Map::from([("tokens".to_owned(), OwnedVariant::try_from(json).map_err(|_| Error::internal())?)])
        }
        Responded::Tokens(tokens) => {
            Map::from([("authentication-result".to_owned(), owned(authentication_result(&tokens))?)])
        }
        Responded::Next(NextChallenge { name, session, parameters }) => {
            let mut map = Map::from([
                ("challenge-name".to_owned(), variant(&name)),
                (
                    "challenge-parameters".to_owned(),
                    owned(parameters.into_iter().collect::<HashMap<_, _>>())?,
                ),
            ]);
            put_text(&mut map, "session", session.as_ref().map(SecretText::expose));
            map
        }
    })
}

fn owned<'v>(value: impl Into<Variant<'v>>) -> Result<OwnedVariant, Error> {
    OwnedVariant::try_from(value.into()).map_err(|_| Error::internal())
}

fn authentication_result(tokens: &Tokens) -> Map {
    let mut map = Map::from([
        ("access-token".to_owned(), variant(tokens.access_token.expose())),
        ("token-type".to_owned(), variant(&tokens.token_type)),
        ("expires-in".to_owned(), tokens.expires_in.into()),
    ]);
    put_text(&mut map, "id-token", tokens.id_token.as_ref().map(SecretText::expose));
    put_text(&mut map, "refresh-token", tokens.refresh_token.as_ref().map(SecretText::expose));
    if let Some((key, group)) = &tokens.new_device {
        put_text(&mut map, "device-key", Some(key));
        put_text(&mut map, "device-group-key", Some(group));
    }
    map
}

/// The API's AuthenticationResult as JSON in a sealed memfd.
fn in_memory(tokens: &Tokens) -> std::io::Result<OwnedFd> {
    let mut result = json!({
        "AccessToken": tokens.access_token.expose(),
        "TokenType": tokens.token_type,
        "ExpiresIn": tokens.expires_in,
    });
    let mut add = |key: &str, value: serde_json::Value| {
        if let Some(members) = result.as_object_mut() {
            members.insert(key.to_owned(), value);
        }
    };
    if let Some(token) = &tokens.id_token {
        add("IdToken", json!(token.expose()));
    }
    if let Some(token) = &tokens.refresh_token {
        add("RefreshToken", json!(token.expose()));
    }
    if let Some((key, group)) = &tokens.new_device {
        add("NewDeviceMetadata", json!({"DeviceKey": key, "DeviceGroupKey": group}));
    }
    let text = Zeroizing::new(serde_json::to_vec(&result)?);
    sealed(&text)
}

fn copy(map: &Map) -> Map {
    map.iter().filter_map(|(key, value)| Some((key.clone(), value.try_clone().ok()?))).collect()
}
