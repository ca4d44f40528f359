//! The common parts of calls that submit a code: endpoint, credential and settings.

use zbus::{ObjectPath, OwnedObjectPath};

use crate::cognito::{AccessToken, Endpoint, EndpointUrl, ErrorKind, Region, Settings, UnknownRegion};
use crate::config::{self, Profile};
use crate::dbus::error::{Error, capital};
use crate::dbus::names;
use crate::flows::{self, Policy, Query, Target};

/// The maximum deviation of the clock in seconds; beyond it codes may be of the wrong step.
const MAX_SKEW_SECONDS: f64 = 15.0;

/// Whether the deviation of the clock, in seconds, is too large.
pub(in crate::dbus) fn is_wrong_clock(skew: f64) -> bool {
    skew.abs() >= MAX_SKEW_SECONDS
}

/// Explains a refused code by a wrong clock, which is the most likely reason and one that a person can correct.
pub(in crate::dbus) fn explain(error: flows::Error, skew: Option<f64>) -> Error {
    match (&error, skew) {
        (flows::Error::Cognito(refusal), Some(skew))
            if refusal.kind == ErrorKind::CodeMismatch && is_wrong_clock(skew) =>
        {
            Error::wrong_clock(skew)
        }
        _ => error.into(),
    }
}

pub(in crate::dbus) fn find_profile<'config>(
    config: &'config config::Config,
    name: &str,
) -> Result<&'config Profile, Error> {
    let known: Vec<_> = config.profiles.keys().map(String::as_str).collect();
    config.profiles.get(name).ok_or_else(|| Error::no_profile(name, &known))
}

/// The endpoint. The call has priority over the profile, and the profile over the unverified access token.
pub(in crate::dbus) fn endpoint(
    access_token: Option<&AccessToken>,
    profile: Option<&Profile>,
    region: Option<String>,
) -> Result<Endpoint, Error> {
    let named = region.or_else(|| profile.map(|profile| profile.region.clone()));
    let region = match named {
        Some(name) => Some(Region::parse(&name).map_err(|error| wrong_region(&error))?),
        None => access_token.and_then(AccessToken::region),
    };
    let url = profile.and_then(|profile| profile.endpoint_url.as_deref()).map(EndpointUrl::parse).transpose();
    let url = url.map_err(Error::config)?;
    if region.is_none() && url.is_none() {
        return Err(Error::invalid("The region is not known; pass the option region or the option profile"));
    }
    Ok(Endpoint { region, url })
}

/// The region that is asked, and that of the access token, if they are not the same. An endpoint of its own has no region
/// to compare.
pub(in crate::dbus) fn other_region(token: &AccessToken, endpoint: &Endpoint) -> Option<(Region, Region)> {
    let (asked, own) = (endpoint.region?, token.region()?);
    (endpoint.url.is_none() && asked != own).then_some((asked, own))
}

fn wrong_region(error: &UnknownRegion) -> Error {
    Error::invalid(format!(
        "{}; correct the option region, or the region of the profile",
        capital(&error.to_string())
    ))
}

/// The query for a profile's credential; `None` if the profile has neither issuer nor account.
pub(in crate::dbus) fn profile_query(profile: &Profile) -> Option<Query> {
    if profile.issuer.is_none() && profile.account.is_none() {
        return None;
    }
    let (issuer, account) = (profile.issuer.clone(), profile.account.clone());
    Some(Query { issuer, account, ..any_totp(Some(profile)) })
}

/// A query for any TOTP credential, on the profile's token if it names one.
fn any_totp(profile: Option<&Profile>) -> Query {
    let token = profile.and_then(|profile| profile.token.clone());
    Query { kind: Some("totp".to_owned()), token, ..Query::default() }
}

/// The device name from Cognito.
#[derive(Debug)]
pub(in crate::dbus) enum DeviceName {
    /// This name.
    Is(String),
    /// Cognito may send it before a code is submitted.
    Later,
    /// Cognito does not send it.
    Never,
}

/// The credential of this path; for `/` the one that the profile names, or the one on the token with the device name.
pub(in crate::dbus) fn target(
    path: &OwnedObjectPath,
    profile: Option<&Profile>,
    device: DeviceName,
) -> Result<Target, Error> {
    let path: &ObjectPath<'_> = path;
    if path.as_str() == "/" {
        let (may_tell, device) = match device {
            DeviceName::Is(name) => (true, Some(name)),
            DeviceName::Later => (true, None),
            DeviceName::Never => (false, None),
        };
        let of_device = || may_tell.then(|| any_totp(profile));
        let query = profile.and_then(profile_query).or_else(of_device).ok_or_else(|| {
            Error::invalid(
                "No credential is named; pass the path of a credential, or a profile that has an issuer or account",
            )
        })?;
        return Ok(Target::Query(Query { device, ..query }));
    }
    names::credential_id(path).map(Target::Id).ok_or_else(|| {
        Error::invalid(
            "This is not the path of a credential; find one with FindCredentials or oathbridgectl list",
        )
    })
}

pub(in crate::dbus) fn policy(config: &config::Cognito) -> Policy {
    Policy {
        settings: Settings {
            connect_timeout: config.connect_timeout,
            request_timeout: config.request_timeout,
            fips: config.fips,
            dual_stack: config.dual_stack,
            proxy: config.proxy.clone(),
            ca_certificates: config.ca_certificates.clone(),
        },
        max_attempts: config.max_attempts,
        min_seconds_left: config.min_seconds_left,
        early_next_step: config.early_next_step,
    }
}
