//! `oathbridgectl profile list` and `profile test`.

use std::net::ToSocketAddrs;
use std::time::Duration;

use serde::Serialize;

use super::arguments::{ProfileCommand, TestArguments};
use super::bus::Bus;
use super::profile::Profile;
use super::screen::{Look, table};
use super::style::Style;
use super::tree::{Credential, Tree};
use super::{Failure, Output, exit, profile_file};
use crate::config;

/// The limit for looking up a name.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(5);

/// The output of `list --json`.
#[derive(Serialize)]
struct Json<'tree> {
    profiles: &'tree [Profile],
}

/// The output of `test --json`.
#[derive(Serialize)]
struct TestJson {
    checks: Vec<Check>,
}

/// One check of a profile.
#[derive(Serialize)]
struct Check {
    check: &'static str,
    ok: bool,
    message: String,
}

pub(super) async fn run(command: &ProfileCommand, style: Style) -> Result<Output, Failure> {
    match command {
        ProfileCommand::List => list(style).await,
        ProfileCommand::Add(arguments) => profile_file::add(arguments, style).await,
        ProfileCommand::Test(arguments) => test(arguments, style).await,
    }
}

async fn list(style: Style) -> Result<Output, Failure> {
    let tree = Bus::connect().await?.tree().await?;
    if style.json {
        return Output::json(&Json { profiles: &tree.profiles });
    }
    if tree.profiles.is_empty() {
        let note = "There is no profile; add one with `oathbridgectl profile add NAME`.".to_owned();
        return Ok(Output::text("").with_notes([note]));
    }
    let rows = tree.profiles.iter().map(|profile| {
        let credential = tree.credentials.iter().find(|other| other.path == profile.credential);
        let credential = credential.map(|credential| credential.name.clone()).unwrap_or_default();
        let [name, region, pool, client] =
            [&profile.name, &profile.region, &profile.user_pool_id, &profile.client_id].map(Clone::clone);
        [name, region, pool, client, credential]
    });
    let head = ["NAME", "REGION", "USER POOL", "APP CLIENT", "CREDENTIAL"];
    // The name is what --profile takes.
    Ok(Output::text(table(Look::of_output().keeping(&[0]), head, rows)))
}

async fn test(arguments: &TestArguments, style: Style) -> Result<Output, Failure> {
    let tree = Bus::connect().await?.tree().await?;
    let name = &arguments.name;
    let loaded = config::Files::standard(None).check().map_err(of_files)?;
    let known = loaded.config.profiles.keys().map(String::as_str);
    let profile = loaded.config.profiles.get(name).ok_or_else(|| super::profile::unknown(name, known))?;
    let checks = vec![
        Check { check: "configuration", ok: true, message: format!("The profile is at {}.", profile.source) },
        credential(&tree, profile),
        endpoint(profile, &loaded.config.cognito).await,
    ];
    let failure = checks.iter().find(|check| !check.ok).map(|check| {
        Failure::new(exit::FAILED, format!("Profile \"{name}\" can't be used yet: {}", check.message))
    });
    if style.json {
        return Ok(Output::json(&TestJson { checks })?.with_failure(failure));
    }
    let line = |check: &Check| {
        let verdict = if check.ok { "ok" } else { "failed" };
        format!("{:<14} {verdict:<7} {}\n", check.check, check.message)
    };
    Ok(Output::text(checks.iter().map(line).collect::<String>()).with_failure(failure))
}

/// The first error of the configuration.
fn of_files(errors: Vec<config::Error>) -> Failure {
    let first = errors.first().map_or_else(String::new, ToString::to_string);
    Failure::of_config(exit::FAILED, &first)
}

/// Whether exactly one attached credential fits.
fn credential(tree: &Tree, profile: &config::Profile) -> Check {
    let equal = |wanted: &Option<String>, has: &str| wanted.as_deref().is_none_or(|wanted| wanted == has);
    let is_on = |credential: &&Credential| {
        profile.token.as_deref().is_none_or(|wanted| {
            credential.token == wanted
                || tree.token(&credential.token).is_some_and(|token| token.serial == wanted)
        })
    };
    let fitting = tree.credentials.iter().filter(|credential| {
        credential.kind == "totp"
            && equal(&profile.issuer, &credential.issuer)
            && equal(&profile.account, &credential.account)
    });
    let fitting: Vec<_> = fitting.filter(is_on).collect();
    let names_none = profile.issuer.is_none() && profile.account.is_none();
    let (ok, message) = match fitting.as_slice() {
        _ if names_none => (false, "The profile names no credential; add issuer and account.".to_owned()),
        [one] => (true, format!("The credential is {} on the token {}.", one.name, tree.token_label(one))),
        [] if tree.locked().next().is_some() => (
            false,
            "No unlocked token has the credential; unlock the token with `oathbridgectl unlock`.".to_owned(),
        ),
        [] => (
            false,
            "No attached token has the credential; plug in the token, or correct issuer and account."
                .to_owned(),
        ),
        several => (false, format!("{} credentials fit; add the token to the profile.", several.len())),
    };
    Check { check: "credential", ok, message }
}

/// Whether the name of the server, or that of the proxy in front of it, has an address.
async fn endpoint(profile: &config::Profile, cognito: &config::Cognito) -> Check {
    let of_region = format!("https://cognito-idp.{}.amazonaws.com", profile.region);
    let url = cognito.proxy.as_deref().or(profile.endpoint_url.as_deref()).unwrap_or(&of_region);
    let uri = url.parse::<http::Uri>().ok();
    let host = uri.as_ref().and_then(http::Uri::host).unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let looked_up = host.clone();
    let lookup = tokio::task::spawn_blocking(move || {
        (looked_up.as_str(), 443).to_socket_addrs().map(|mut found| found.next())
    });
    let (ok, message) = match tokio::time::timeout(LOOKUP_TIMEOUT, lookup).await {
        Ok(Ok(Ok(Some(_)))) => (true, format!("The name {host} has an address.")),
        Ok(_) => (
            false,
            format!("The name {host} cannot be resolved; check the network, and region or endpoint_url."),
        ),
        Err(_) => (false, format!("No DNS server answered about {host}; check the network.")),
    };
    Check { check: "endpoint", ok, message }
}
