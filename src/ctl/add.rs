//! `oathbridgectl add`.

use std::fs::File;
use std::io::{Read, Seek};
use std::os::fd::OwnedFd;

use serde::Serialize;
use zbus::{Fd, ObjectPath, Variant};
use zeroize::Zeroizing;

use super::arguments::NewArguments;
use super::asked::{Asked, Task};
use super::bus::{Bus, hide};
use super::changes::{TIMEOUT, TIMEOUT_SECONDS, removal};
use super::follow::Follower;
use super::proof::Proof;
use super::proxies::Options;
use super::qr::{self, Screenshot};
use super::secret_input::Source;
use super::style::Style;
use super::tree::{Token, Tree};
use super::{Failure, Output, exit, problem, query};
use crate::otpauth::{self, NewCredential, migration, to_uri};
use crate::secret::sealed;

/// What the user is asked for, and what messages call it.
const SECRET: &str = "otpauth URI or seed";

/// The output of `--json`.
#[derive(Serialize)]
struct Json<'tree> {
    added: Vec<Added<'tree>>,
}

/// A new credential on one token.
#[derive(Serialize)]
struct Added<'tree> {
    /// The id of the token.
    token: &'tree str,
    /// The id of the credential.
    credential: String,
    /// Whether a code of it was compared with the seed.
    checked: bool,
    #[serde(skip)]
    path: String,
}

pub(super) async fn run(arguments: &NewArguments, style: Style) -> Result<Output, Failure> {
    let bus = Bus::connect_visibly().await?;
    let tree = bus.tree().await?;
    let tokens = tokens(&tree, &arguments.token)?;
    let screen = if arguments.qr_screen { Some(Screenshot::request(&bus.connection).await?) } else { None };
    hide()?;
    let secrets = split(match screen {
        Some(screen) => qr::of_screen(screen).await?,
        None => read(arguments)?,
    })?;
    let mut added: Vec<Added<'_>> = Vec::new();
    for secret in &secrets {
        let is_first = added.is_empty();
        let ours = add_to_all(&bus, &tree, &tokens, (&secret.text, is_first), arguments, style).await;
        added.extend(ours.map_err(|failure| match added.len() {
            0 => failure,
            earlier => {
                failure.with_lines([format!("{earlier} new credentials before it are written and stay.")])
            }
        })?);
    }
    if style.json {
        return Output::json(&Json { added });
    }
    let labels: Vec<_> = tokens.iter().map(|token| tree.label(token)).collect();
    let names: Vec<_> = secrets.iter().filter_map(|secret| secret.name.as_deref()).collect();
    let what = if names.is_empty() { String::new() } else { format!("{} ", names.join(", ")) };
    Ok(Output::text("").with_notes([format!("Added {what}to {}.", labels.join(", "))]))
}

/// The secret from the source that the options name, or from the terminal.
fn read(arguments: &NewArguments) -> Result<OwnedFd, Failure> {
    if let Some(path) = &arguments.qr {
        return qr::of_file(path);
    }
    let source = Source::given(arguments.secret_stdin, arguments.secret_fd).or_else(Source::terminal);
    let source = source.ok_or_else(|| {
        Failure::usage(format!(
            "There is no terminal to ask for the {SECRET}; add --secret-stdin, --secret-fd, --qr or --qr-screen."
        ))
    })?;
    source.read(SECRET)
}

/// The secret of one new credential.
struct Secret {
    text: OwnedFd,
    /// The name of the credential, if the secret has one.
    name: Option<String>,
}

/// The accounts of a migration payload, each as a URI of its own. Anything else is passed on as it is.
fn split(secret: OwnedFd) -> Result<Vec<Secret>, Failure> {
    let failed = |error: std::io::Error| Failure::of_system(&format!("Reading the {SECRET}"), &error);
    let mut file = File::from(secret);
    let mut text = Zeroizing::new(String::with_capacity(64 * 1024));
    file.rewind().and_then(|()| file.read_to_string(&mut text)).map_err(failed)?;
    if !migration::is_migration(&text) {
        let name = otpauth::parse(&text).ok().map(|account| name(&account));
        return Ok(vec![Secret { text: file.into(), name }]);
    }
    let accounts = migration::split(&text).map_err(|error| {
        Failure::usage(format!("The export cannot be read because {error}; export it again."))
    })?;
    let secret = |account: &NewCredential| {
        let text = sealed(to_uri(account).as_bytes()).map_err(failed)?;
        Ok(Secret { text, name: Some(name(account)) })
    };
    accounts.iter().map(secret).collect()
}

fn name(account: &NewCredential) -> String {
    let issuer = account.issuer.as_deref().map(|issuer| format!("{issuer}:")).unwrap_or_default();
    format!("{issuer}{}", account.account)
}

/// Adds one credential to all tokens, or to none.
async fn add_to_all<'tree>(
    bus: &Bus,
    tree: &'tree Tree,
    tokens: &[&'tree Token],
    (secret, is_first): (&OwnedFd, bool),
    arguments: &NewArguments,
    style: Style,
) -> Result<Vec<Added<'tree>>, Failure> {
    let proof = Proof::of(secret, arguments)?;
    let mut added: Vec<Added<'_>> = Vec::new();
    for token in tokens {
        let same = added.first().map(|first| first.path.clone());
        let is_followed = is_first && same.is_none();
        let request = (*token, same.as_deref(), is_followed);
        let failure = match add(bus, tree, request, secret, arguments, style).await {
            Err(failure) => failure,
            Ok(path) => {
                let id = path.rsplit('/').next().unwrap_or_default().to_owned();
                let is_right = is_right(bus, proof.as_ref(), &path).await;
                added.push(Added { token: &token.id, credential: id, checked: is_right.is_some(), path });
                if is_right != Some(false) {
                    continue;
                }
                let sentence = "The token gives other codes than the seed; do not use it for this account.";
                Failure::new(exit::FAILED, sentence)
            }
        };
        return Err(undone(bus, tree, token, added, failure).await);
    }
    Ok(added)
}

/// The tokens with these names, without repetition; without a name the only one that holds credentials of this kind.
fn tokens<'tree>(tree: &'tree Tree, names: &[String]) -> Result<Vec<&'tree Token>, Failure> {
    let mut tokens: Vec<&Token> = Vec::new();
    for name in names {
        let token = query::token(tree, Some(name))?;
        if !tokens.iter().any(|other| other.id == token.id) {
            tokens.push(token);
        }
    }
    if names.is_empty() {
        tokens = query::tokens(tree, None)?.into_iter().filter(|token| token.family == "ykoath").collect();
    }
    match tokens.as_slice() {
        [] => {
            Err(Failure::new(problem::code_of(tree), "No attached token takes new credentials; plug one in.")
                .with_lines(problem::unusable(tree)))
        }
        [_, _, ..] if names.is_empty() => {
            let sentence = "Several tokens are attached; name one or more of them with --token:";
            let line = |token: &&Token| match tree.room(token).as_str() {
                "" => token.choice(),
                room => format!("{}  {room} credentials", token.choice()),
            };
            Err(Failure::new(exit::AMBIGUOUS, sentence).with_lines(tokens.iter().map(line)))
        }
        _ => Ok(tokens),
    }
}

/// Adds the credential to one token, and returns its path. `same` is the path of the same one on an earlier token.
async fn add(
    bus: &Bus,
    tree: &Tree,
    (token, same, is_followed): (&Token, Option<&str>, bool),
    secret: &OwnedFd,
    arguments: &NewArguments,
    style: Style,
) -> Result<String, Failure> {
    let mut options = options(arguments);
    if let Some(same) = same {
        let same = ObjectPath::try_from(same).map_err(|error| Failure::failed("Reading a path", error))?;
        options.insert("same-seed-as", same.into());
    }
    if !is_followed {
        return bus.add(&token.path, Fd::from(secret), options, TIMEOUT).await;
    }
    // A request that is followed has a name, which only one request of a connection may have.
    Follower::add_handle(&mut options);
    let follower = Follower::new(bus, tree, None, TIMEOUT).await?.quietly(style.quiet);
    let asked = Asked { task: Task::Change, ..Asked::default() };
    follower.during(&asked, bus.add(&token.path, Fd::from(secret), options, TIMEOUT)).await
}

fn options(arguments: &NewArguments) -> Options<'_> {
    let mut options = Options::from([("timeout", Variant::from(TIMEOUT_SECONDS))]);
    let texts = [
        ("account", arguments.account.as_deref()),
        ("issuer", arguments.issuer.as_deref()),
        ("type", arguments.kind.map(super::arguments::CodeKind::word)),
        ("algorithm", arguments.algorithm.map(super::arguments::Hash::word)),
    ];
    let numbers =
        [("digits", arguments.digits), ("period", arguments.period), ("counter", arguments.counter)];
    options.extend(texts.into_iter().filter_map(|(key, text)| Some((key, Variant::from(text?)))));
    options.extend(numbers.into_iter().filter_map(|(key, number)| Some((key, Variant::from(number?)))));
    if arguments.touch {
        options.insert("touch", true.into());
    }
    options
}

/// Whether the new credential gives the code of its seed. `None` if that has a cost, or if it gives none: a rule of the
/// configuration may deny codes to this program.
async fn is_right(bus: &Bus, proof: Option<&Proof>, path: &str) -> Option<bool> {
    proof?.holds(bus, path).await.ok()
}

/// Removes the credential from the tokens that already have it, so that all of them or none has it.
async fn undone(bus: &Bus, tree: &Tree, failed: &Token, added: Vec<Added<'_>>, failure: Failure) -> Failure {
    let mut lines = vec![format!("{} has failed.", tree.label(failed))];
    for one in added {
        let label = tree.tokens.iter().find(|token| token.id == one.token).map(|token| tree.label(token));
        let label = label.unwrap_or_default();
        lines.push(match bus.remove(&one.path, removal(), TIMEOUT).await {
            Ok(()) => format!("{label} no longer has the new credential."),
            Err(_) => format!("{label} still has the new credential; remove it with oathbridgectl remove."),
        });
    }
    if lines.len() == 1 { failure } else { failure.with_lines(lines) }
}
