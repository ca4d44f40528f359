//! `oathbridgectl remove` and `oathbridgectl rename`.

use serde::Serialize;
use zbus::Variant;

use super::arguments::{RemoveArguments, RenameArguments};
use super::asked::{Asked, Task};
use super::bus::Bus;
use super::changes::{TIMEOUT, TIMEOUT_SECONDS, removal};
use super::confirm::confirmed;
use super::follow::Follower;
use super::proxies::Options;
use super::style::Style;
use super::tree::{Credential, Tree};
use super::{Failure, Output, query};

/// What a user must know first.
const RISK: &str =
    "A removed credential cannot be restored, and its account may need it for the next sign-in";

/// The output of `remove --json`.
#[derive(Serialize)]
struct Removed<'tree> {
    removed: bool,
    name: &'tree str,
    /// The id.
    credential: &'tree str,
}

/// The output of `rename --json`.
#[derive(Serialize)]
struct Renamed<'tree> {
    old_name: &'tree str,
    name: &'tree str,
    /// The new id.
    credential: &'tree str,
}

pub(super) async fn remove(arguments: &RemoveArguments, style: Style) -> Result<Output, Failure> {
    let bus = Bus::connect().await?;
    let tree = bus.tree().await?;
    let credential = query::credential(&tree, &arguments.query, arguments.token.as_deref())?;
    let is_named = [&credential.id, &credential.name, &credential.account].contains(&&arguments.query);
    if arguments.yes && !is_named {
        return Err(Failure::usage(format!(
            "`{}` is only a part of {}; with --yes, write the whole name.",
            arguments.query, credential.name
        )));
    }
    let is_confirmed = arguments.yes || confirmed(RISK, &question(&tree, credential))?;
    if is_confirmed {
        let mut options = removal();
        Follower::add_handle(&mut options);
        let request = bus.remove(&credential.path, options, TIMEOUT);
        followed(&bus, &tree, credential, style).await?.during(&asked(credential), request).await?;
    }
    let (name, id) = (credential.name.as_str(), credential.id.as_str());
    if style.json {
        return Output::json(&Removed { removed: is_confirmed, name, credential: id });
    }
    let note = if is_confirmed { format!("{name} is removed.") } else { "Nothing was removed.".to_owned() };
    Ok(Output::text("").with_notes([note]))
}

pub(super) async fn rename(arguments: &RenameArguments, style: Style) -> Result<Output, Failure> {
    let bus = Bus::connect().await?;
    let tree = bus.tree().await?;
    let credential = query::credential(&tree, &arguments.query, arguments.token.as_deref())?;
    let (issuer, account) = arguments.name.split_once(':').unwrap_or(("", &arguments.name));
    if account.is_empty() {
        return Err(Failure::usage("The new name has no account; write it as issuer:account."));
    }
    let mut options = Options::from([("timeout", Variant::from(TIMEOUT_SECONDS))]);
    Follower::add_handle(&mut options);
    let request = bus.rename(&credential.path, (issuer, account), options, TIMEOUT);
    let path = followed(&bus, &tree, credential, style).await?.during(&asked(credential), request).await?;
    let id = path.rsplit('/').next().unwrap_or_default();
    if style.json {
        return Output::json(&Renamed { old_name: &credential.name, name: &arguments.name, credential: id });
    }
    Ok(Output::text("").with_notes([format!("{} is now {}.", credential.name, arguments.name)]))
}

async fn followed<'tree>(
    bus: &'tree Bus,
    tree: &'tree Tree,
    credential: &'tree Credential,
    style: Style,
) -> Result<Follower<'tree>, Failure> {
    Ok(Follower::new(bus, tree, Some(credential), TIMEOUT).await?.quietly(style.quiet))
}

fn asked(credential: &Credential) -> Asked {
    Asked { task: Task::Change, account: Some(credential.account.clone()), ..Asked::default() }
}

fn question(tree: &Tree, credential: &Credential) -> String {
    let token = tree.tokens.iter().find(|token| token.id == credential.token);
    let token = token.map_or_else(String::new, |token| tree.label(token));
    format!("Remove {} from {token}?", credential.name)
}
