//! `VerifySoftwareToken`: enrols a token in Cognito.

use std::sync::Arc;

use zbus::OwnedObjectPath;
use zbus::message::Header;

use crate::cognito::{AccessToken, Authorization, Region, Session};
use crate::config::{Loaded, Profile};
use crate::dbus::args::{
    self, Common, Destination, DeviceName, Map, Options, Passed, endpoint, find_profile, policy, target,
    variant,
};
use crate::dbus::bridge::Bridge;
use crate::dbus::call::Call;
use crate::dbus::error::Error;
use crate::dbus::operate::Task;
use crate::dbus::records::details;
use crate::flows::{Submission, Target, VerifyRequest};
use crate::operations::{self, Operation};

pub(super) async fn verify(
    bridge: &Arc<Bridge>,
    credential: &OwnedObjectPath,
    options: Map,
    header: &Header<'_>,
) -> Result<(String, String, Map), Error> {
    let call = Call::authorize(bridge, header).await?;
    let (request, common) = request(bridge, credential, options, &call).await?;
    let credential = match &request.submission.credential {
        Target::Id(id) => Some(id.clone()),
        Target::Query(_) => None,
    };
    let task = Task { kind: operations::Kind::VerifySoftwareToken, credential, token: None, common };
    let flows = call.flows();
    let regions = other_region(&request);
    let work = async |operation: &Operation| {
        let verified = flows.verify(&request, operation).await;
        if let Some((asked, own)) = regions
            && operation.details().submitted()
        {
            tracing::warn!(
                "a code was submitted in {asked}, but the user pool of the access token is in {own}"
            );
        }
        let reply = bridge.judged(verified, operation).map_err(|error| error.of_other_region(regions))?;
        let facts = operation.details();
        let session = reply.session.map_or_else(String::new, |session| session.expose().to_owned());
        let mut extra = details(&facts);
        extra.remove("submitted");
        Ok(("SUCCESS".to_owned(), session, extra))
    };
    call.operate(task, work, values).await
}

/// The values of `GetResult`, without the details.
fn values((status, session, _): &(String, String, Map)) -> Map {
    Map::from([("status".to_owned(), variant(status)), ("session".to_owned(), variant(session))])
}

/// Makes all checks that do not need the token.
async fn request(
    bridge: &Bridge,
    credential: &OwnedObjectPath,
    options: Map,
    call: &Call<'_>,
) -> Result<(VerifyRequest, Common), Error> {
    let mut options = Options::new(options);
    let common = options.common()?;
    let device_name = options.text("friendly-device-name")?;
    let profile_name = options.text("profile")?;
    let region = options.text("region")?;
    let access_token = options.secret("access-token")?;
    let session = options.secret("session")?;
    options.finish()?;

    // An unknown profile is refused before a descriptor is read.
    let known = |config: &Loaded| match profile_name.as_deref() {
        Some(name) => find_profile(&config.config, name).map(|profile| Some(profile.clone())),
        None => Ok(None),
    };
    known(&bridge.settings.now())?;
    let authorization = authorization(bridge, access_token, session, call).await?;
    // After the wait for the secret, so that rules, endpoint and proxy are of one configuration.
    let config = bridge.settings.now();
    let profile = known(&config)?;
    let profile = profile.as_ref();
    same_pool(&authorization, profile)?;
    let token = match &authorization {
        Authorization::AccessToken(token) => Some(token),
        Authorization::Session(_) => None,
    };
    let endpoint = endpoint(token, profile, region)?;
    let destination = Destination::of(profile_name.as_deref(), token, None, &endpoint);
    let credential = target(credential, profile, DeviceName::Never)?;
    let submission = Submission {
        account: destination.account(
            &config.config,
            token.into_iter().flat_map(AccessToken::users),
            call.program(),
        ),
        permits: call.permit(&config.config, &credential, destination)?,
        credential,
        endpoint,
        policy: policy(&config.config.cognito),
    };
    let request = VerifyRequest { submission, authorization, device_name };
    Ok((request, common))
}

/// The two regions of an access token that Cognito refuses, unless its pool has a replica in the region that is asked.
fn other_region(request: &VerifyRequest) -> Option<(Region, Region)> {
    let Authorization::AccessToken(token) = &request.authorization else { return None };
    args::other_region(token, &request.submission.endpoint)
}

async fn authorization(
    bridge: &Bridge,
    access_token: Option<Passed>,
    session: Option<Passed>,
    call: &Call<'_>,
) -> Result<Authorization, Error> {
    match (access_token, session) {
        (Some(token), None) => {
            let token = call.secret(token).await?;
            let now = bridge.flows.clock().unix_time();
            Ok(Authorization::AccessToken(AccessToken::parse(token, now)?))
        }
        (None, Some(session)) => Ok(Authorization::Session(Session::parse(call.secret(session).await?)?)),
        _ => Err(Error::invalid(
            "VerifySoftwareToken requires the option access-token or the option session; pass exactly one",
        )),
    }
}

/// Refuses an access token of another pool, which would enrol the credential there by mistake.
fn same_pool(authorization: &Authorization, profile: Option<&Profile>) -> Result<(), Error> {
    let of_profile = profile.and_then(|profile| profile.user_pool_id.as_deref());
    match (authorization, of_profile) {
        (Authorization::AccessToken(token), Some(pool)) if token.pool_id().is_some_and(|id| id != pool) => {
            Err(Error::invalid(
                "The access token belongs to another user pool than the profile; pass an access token and a profile of the same pool",
            ))
        }
        _ => Ok(()),
    }
}
