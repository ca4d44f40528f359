//! `oathbridgectl password`.

use std::fs::File;
use std::io::{IsTerminal, Read, Seek, stdin};
use std::os::fd::OwnedFd;

use serde::Serialize;
use zbus::{Fd, Variant};
use zeroize::Zeroizing;

use super::arguments::PasswordArguments;
use super::asked::{Asked, Task};
use super::bus::Bus;
use super::changes::{TIMEOUT, TIMEOUT_SECONDS};
use super::confirm::confirmed;
use super::follow::Follower;
use super::proxies::Options;
use super::secret_input::Source;
use super::style::Style;
use super::tree::{Token, Tree};
use super::{Failure, Output, exit, problem, query};
use crate::secret::sealed;

/// What a user must know first.
const RISK: &str = "Without its password a token can only be reset, which deletes its credentials";

/// The output of `--json`.
#[derive(Serialize)]
struct Json<'tree> {
    name: &'tree str,
    /// The id.
    token: &'tree str,
    /// `set`, `cleared` or `unchanged`.
    password: &'static str,
}

pub(super) async fn run(arguments: &PasswordArguments, style: Style) -> Result<Output, Failure> {
    let bus = Bus::connect().await?;
    let tree = bus.tree().await?;
    let token = token(&tree, arguments.token.as_deref())?;
    let label = tree.label(token);
    let current = current(arguments, token)?;
    let (new, outcome) = if arguments.clear {
        let question = format!("Clear the password of {label}?");
        let is_confirmed = arguments.yes || confirmed(RISK_OF_CLEARING, &question)?;
        (None, if is_confirmed { "cleared" } else { "unchanged" })
    } else {
        (Some(new(arguments)?), "set")
    };
    if outcome != "unchanged" {
        set(&bus, &tree, token, (new, current), style).await?;
    }
    if style.json {
        return Output::json(&Json { name: &token.name, token: &token.id, password: outcome });
    }
    Ok(Output::text("").with_notes([match outcome {
        "set" => format!("The password of {label} is set. {RISK}, so keep it in a safe place."),
        "cleared" => format!("{label} has no password any more."),
        _ => "Nothing was changed.".to_owned(),
    }]))
}

/// What a user must know before a password is cleared.
const RISK_OF_CLEARING: &str =
    "A token without a password gives its codes to every program that can reach it";

/// The token with this name; without a name the only one of a family that takes a password.
fn token<'tree>(tree: &'tree Tree, name: Option<&str>) -> Result<&'tree Token, Failure> {
    if name.is_some() {
        return query::token(tree, name);
    }
    let tokens: Vec<_> = tree.tokens.iter().filter(|token| token.can("password")).collect();
    match tokens.as_slice() {
        [one] => Ok(one),
        [] => Err(Failure::new(problem::code_of(tree), "No attached token takes a password; plug one in.")
            .with_lines(problem::unusable(tree))),
        several => Err(Failure::new(exit::AMBIGUOUS, "Several tokens are attached; name one of them:")
            .with_lines(several.iter().map(|token| token.choice()))),
    }
}

/// The current password, if the caller gives it or the token is locked.
fn current(arguments: &PasswordArguments, token: &Token) -> Result<Option<OwnedFd>, Failure> {
    let given = Source::given(false, arguments.current_password_fd);
    let Some(source) = given.or_else(|| Source::terminal().filter(|_| token.state == "locked")) else {
        return Ok(None);
    };
    source.read("current password").map(Some)
}

/// The new password. On a terminal it is asked for twice, because it is not shown.
fn new(arguments: &PasswordArguments) -> Result<OwnedFd, Failure> {
    let given = Source::given(arguments.password_stdin, arguments.password_fd);
    if given.is_none() && !stdin().is_terminal() {
        return Err(Failure::usage(
            "There is no terminal to ask for the new password; add --password-stdin or --password-fd.",
        ));
    }
    if let Some(source) = given.filter(|source| *source != Source::Stdin || !stdin().is_terminal()) {
        return source.read("new password");
    }
    let (first, text) = text(Source::Stdin.read("new password")?)?;
    let (_, again) = self::text(Source::Stdin.read("new password again")?)?;
    if text == again {
        Ok(first)
    } else {
        Err(Failure::usage("The two passwords differ, so nothing was changed; run the command again."))
    }
}

/// The bytes of a secret, and the secret again.
fn text(secret: OwnedFd) -> Result<(OwnedFd, Zeroizing<Vec<u8>>), Failure> {
    let failed = |error: std::io::Error| Failure::of_system("Reading the new password", &error);
    let mut file = File::from(secret);
    let mut text = Zeroizing::new(Vec::with_capacity(64 * 1024));
    file.rewind().and_then(|()| file.read_to_end(&mut text)).map_err(failed)?;
    Ok((file.into(), text))
}

async fn set(
    bus: &Bus,
    tree: &Tree,
    token: &Token,
    (new, current): (Option<OwnedFd>, Option<OwnedFd>),
    style: Style,
) -> Result<(), Failure> {
    let mut options = Options::from([("timeout", Variant::from(TIMEOUT_SECONDS)), ("confirm", true.into())]);
    if let Some(current) = current {
        options.insert("current", Fd::from(current).into());
    }
    let new = if let Some(new) = new {
        new
    } else {
        options.insert("clear", true.into());
        // The call takes a descriptor, which the daemon does not read.
        sealed(&[]).map_err(|error| Failure::of_system("Making an empty file", &error))?
    };
    Follower::add_handle(&mut options);
    let follower = Follower::new(bus, tree, None, TIMEOUT).await?.quietly(style.quiet);
    let asked = Asked { task: Task::Unlock, ..Asked::default() };
    follower.during(&asked, bus.set_password(&token.path, Fd::from(&new), options, TIMEOUT)).await
}
