//! The root's `io.github.oathbridge.OathBridge1.Cognito`.

use std::sync::Arc;

use zbus::message::Header;
use zbus::{ObjectPath, OwnedObjectPath, interface};

use super::call::Task;
use super::entry::Door;
use super::error::capital;
use super::options::{Common, Map, Options};
use super::profile::query;
use super::results::details;
use super::{Bridge, Error, names, variant};
use crate::cognito::{
    AccessToken, Authorization, Endpoint, EndpointUrl, ErrorKind, Region, Session, Settings, UnknownRegion,
};
use crate::config::{self, Profile};
use crate::flows::{self, Policy, Target, VerifyRequest};
use crate::operations::{self, Operation};
use crate::secret::SecretText;

/// A clock that is off by more makes codes of the wrong step.
const SKEW: f64 = 15.0;

pub(super) struct CognitoObject {
    pub(super) bridge: Arc<Bridge>,
}

#[interface(name = "io.github.oathbridge.OathBridge1.Cognito", introspection_docs = false)]
impl CognitoObject {
    #[zbus(out_args("status", "session", "extra"))]
    async fn verify_software_token(
        &self,
        credential: OwnedObjectPath,
        options: Map,
        #[zbus(header)] header: Header<'_>,
    ) -> Result<(String, String, Map), Error> {
        let entry = self.bridge.enter(&header, Door::SUBMIT).await?;
        let (request, common) = self.request(&credential, options).await?;
        let credential = match &request.credential {
            Target::Id(id) => Some(id.clone()),
            Target::Query(_) => None,
        };
        let task = Task { kind: operations::Kind::VerifySoftwareToken, credential, token: None, common };
        let work = async |operation: &Operation| {
            let verified = self.bridge.flows.verify(&request, operation).await;
            let facts = operation.facts();
            if let Some(skew) = facts.clock_skew {
                self.bridge.set_problem("clock-skew", skew.abs() >= SKEW);
            }
            let reply = verified.map_err(|error| explain(error, facts.clock_skew))?;
            let session = reply.session.map_or_else(String::new, |session| session.expose().to_owned());
            let mut extra = details(&facts);
            extra.remove("submitted");
            Ok(("SUCCESS".to_owned(), session, extra))
        };
        self.bridge.operate(entry, task, work, values).await
    }
}

/// What `GetResult` tells besides the details.
fn values((status, session, _): &(String, String, Map)) -> Map {
    Map::from([("status".to_owned(), variant(status)), ("session".to_owned(), variant(session))])
}

impl CognitoObject {
    /// Checks everything that can be checked before hardware is touched.
    async fn request(
        &self,
        credential: &OwnedObjectPath,
        options: Map,
    ) -> Result<(VerifyRequest, Common), Error> {
        let mut options = Options::new(options);
        let flows = &self.bridge.flows;
        let common = options.common()?;
        let device_name = options.text("friendly-device-name")?;
        let profile_name = options.text("profile")?;
        let region = options.text("region")?;
        let access_token = options.secret("access-token").await?;
        let session = options.secret("session").await?;
        options.finish()?;

        let config = self.bridge.config();
        let profile = profile_name.map(|name| find_profile(&config.config, &name)).transpose()?;
        let authorization = authorization(access_token, session, flows.clock().unix_time())?;
        same_pool(&authorization, profile)?;
        let endpoint = endpoint(&authorization, profile, region)?;
        let pool = pool(&authorization, profile, &endpoint);
        let request = VerifyRequest {
            credential: target(credential, profile)?,
            authorization,
            endpoint,
            pool,
            device_name,
            policy: policy(&config.config.cognito),
        };
        Ok((request, common))
    }
}

/// A wrong clock is the likeliest reason for a wrong code, and one that a person can mend.
fn explain(error: flows::Error, skew: Option<f64>) -> Error {
    match (&error, skew) {
        (flows::Error::Cognito(refusal), Some(skew))
            if refusal.kind == ErrorKind::CodeMismatch && skew.abs() >= SKEW =>
        {
            Error::wrong_clock(skew)
        }
        _ => error.into(),
    }
}

fn find_profile<'config>(config: &'config config::Config, name: &str) -> Result<&'config Profile, Error> {
    let known: Vec<_> = config.profiles.keys().map(String::as_str).collect();
    config.profiles.get(name).ok_or_else(|| Error::no_profile(name, &known))
}

fn authorization(
    access_token: Option<SecretText>,
    session: Option<SecretText>,
    now: std::time::Duration,
) -> Result<Authorization, Error> {
    match (access_token, session) {
        (Some(token), None) => Ok(Authorization::AccessToken(AccessToken::parse(token, now)?)),
        (None, Some(session)) => Ok(Authorization::Session(Session::parse(session)?)),
        _ => Err(Error::invalid(
            "VerifySoftwareToken takes the option access-token or the option session; pass exactly one",
        )),
    }
}

/// A token of another pool is a mix-up, and would enrol this credential's seed there.
fn same_pool(authorization: &Authorization, profile: Option<&Profile>) -> Result<(), Error> {
    let of_profile = profile.and_then(|profile| profile.user_pool_id.as_deref());
    match (authorization, of_profile) {
        (Authorization::AccessToken(token), Some(pool)) if token.pool_id().is_some_and(|id| id != pool) => {
            Err(Error::invalid(
                "The access token is of another user pool than the profile; pass the token or the profile that belongs to the other",
            ))
        }
        _ => Ok(()),
    }
}

/// What the caller says wins over what the profile says, and that over what an unverified token says.
fn endpoint(
    authorization: &Authorization,
    profile: Option<&Profile>,
    region: Option<String>,
) -> Result<Endpoint, Error> {
    let named = region.or_else(|| profile.map(|profile| profile.region.clone()));
    let region = match (named, authorization) {
        (Some(name), _) => Some(Region::parse(&name).map_err(|error| wrong_region(&error))?),
        (None, Authorization::AccessToken(token)) => token.region(),
        (None, Authorization::Session(_)) => None,
    };
    let url = profile.and_then(|profile| profile.endpoint_url.as_deref()).map(EndpointUrl::parse).transpose();
    let url = url.map_err(|error| Error::config(error.to_string()))?;
    if region.is_none() && url.is_none() {
        return Err(Error::invalid("It is not clear which region to ask; pass the option region or profile"));
    }
    Ok(Endpoint { region, url })
}

fn wrong_region(error: &UnknownRegion) -> Error {
    Error::invalid(format!("{}; correct the option region, or the profile's", capital(&error.to_string())))
}

/// Whatever tells pools apart best: the same code must not go twice to one of them in one time step.
fn pool(authorization: &Authorization, profile: Option<&Profile>, endpoint: &Endpoint) -> String {
    let of_token = match authorization {
        Authorization::AccessToken(token) => token.pool_id(),
        Authorization::Session(_) => None,
    };
    let of_profile = profile.and_then(|profile| profile.user_pool_id.as_deref());
    of_token.or(of_profile).map_or_else(|| format!("{endpoint:?}"), str::to_owned)
}

fn target(path: &OwnedObjectPath, profile: Option<&Profile>) -> Result<Target, Error> {
    let path: &ObjectPath<'_> = path;
    if path.as_str() == "/" {
        let query = profile.and_then(query).ok_or_else(|| {
            Error::invalid(
                "No credential is named; pass its path, or a profile that has an issuer or account",
            )
        })?;
        return Ok(Target::Query(query));
    }
    names::credential_id(path).map(|id| Target::Id(id.to_owned())).ok_or_else(|| {
        Error::invalid(
            "This is not the path of a credential; find one with FindCredentials or oathbridgectl list",
        )
    })
}

fn policy(config: &config::Cognito) -> Policy {
    Policy {
        settings: Settings {
            connect_timeout: config.connect_timeout,
            request_timeout: config.request_timeout,
            fips: config.fips,
            dual_stack: config.dual_stack,
            proxy: config.proxy.clone(),
            ca_file: config.ca_file.clone(),
        },
        max_attempts: config.max_attempts,
        min_seconds_left: config.min_seconds_left,
        early_next_step: config.early_next_step,
    }
}
