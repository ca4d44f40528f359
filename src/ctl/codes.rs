//! `oathbridgectl code` without a credential: every code that costs neither a touch nor a value of a counter.

use std::io::{IsTerminal, stdout};
use std::time::Duration;

use serde::Serialize;
use zbus::Variant;

use super::arguments::CodeArguments;
use super::asked::{Asked, Details, Task};
use super::bus::Bus;
use super::list::nothing_listed;
use super::local_time::seconds_left;
use super::problem::Unusable;
use super::proxies::Options;
use super::screen::{Look, table};
use super::style::Style;
use super::tree::{Credential, Tree};
use super::{Failure, Output, exit, problem, query};
use crate::clock::{Clock, SystemClock};

/// The output of `--json`.
#[derive(Serialize)]
struct Json<'tree> {
    codes: &'tree [Code<'tree>],
    /// Credentials whose codes cost a touch or a value of a counter.
    skipped: Vec<&'tree Credential>,
    failed: Vec<Failed<'tree>>,
    locked_tokens: Vec<&'tree str>,
    unusable_tokens: Vec<Unusable<'tree>>,
}

#[derive(Serialize)]
struct Code<'tree> {
    name: &'tree str,
    code: String,
    /// Unix seconds.
    valid_from: u64,
    valid_until: u64,
    credential: &'tree Credential,
}

#[derive(Serialize)]
struct Failed<'tree> {
    name: &'tree str,
    message: &'tree str,
}

pub(super) async fn run(
    bus: &Bus,
    tree: &Tree,
    arguments: &CodeArguments,
    style: Style,
) -> Result<Output, Failure> {
    let tokens = query::tokens(tree, arguments.token.as_deref())?;
    let is_wanted = |credential: &&Credential| tokens.iter().any(|token| token.id == credential.token);
    let credentials = tree.listed().filter(is_wanted);
    let (free, skipped): (Vec<_>, Vec<_>) = credentials.partition(|credential| is_free(credential));
    let are_hidden = tree.credentials.iter().any(|credential| is_wanted(&credential));
    let (mut codes, failures) = calculate_each(bus, &free, arguments.timeout).await;
    renew(bus, &mut codes, arguments.timeout).await;
    let is_empty = free.is_empty() && skipped.is_empty();
    let unread = if is_empty { problem::unread(tree, &tokens) } else { None };
    let is_unread = unread.is_some();
    // One failure stands for all if there is no code.
    let failure = match (&*codes, &*failures) {
        // The credentials after it were not asked for.
        ([], [(_, first), ..]) if first.code == exit::UNREACHABLE => return Err(first.clone()),
        ([], [(_, first), ..]) => Some(first.clone()),
        (_, [(name, first), ..]) => Some(first.clone().about(name)),
        (_, []) => unread,
    };
    let output = if style.json {
        json(tree, &codes, skipped, &failures)?
    } else if is_unread {
        Output::text("").with_notes(problem::locked(tree))
    } else if codes.is_empty() {
        Output::text("").with_notes(missing(tree, &skipped, Some(nothing_listed(are_hidden))))
    } else {
        let others = failures.iter().skip(1);
        let told = others.map(|(name, failure)| format!("{name}: {}", failure.sentence()));
        Output::text(text(&codes, tree)).with_notes(told).with_notes(missing(tree, &skipped, None))
    };
    Ok(output.with_failure(failure))
}

fn json(
    tree: &Tree,
    codes: &[Code<'_>],
    skipped: Vec<&Credential>,
    failures: &[(&str, Failure)],
) -> Result<Output, Failure> {
    let failed = failures.iter().map(|(name, failure)| Failed { name, message: failure.sentence() });
    Output::json(&Json {
        codes,
        skipped,
        failed: failed.collect(),
        locked_tokens: tree.locked().map(|token| token.id.as_str()).collect(),
        unusable_tokens: Unusable::all(tree),
    })
}

/// Whether a code needs no touch and uses nothing up.
fn is_free(credential: &Credential) -> bool {
    credential.kind != "hotp" && credential.touch_required == "no"
}

/// One request after the other, because a token answers one at a time. An unreachable daemon ends the loop. A policy that
/// requires a touch refuses each of these credentials, so it is asked once, which is one line in the journal.
async fn calculate_each<'tree>(
    bus: &Bus,
    credentials: &[&'tree Credential],
    timeout: u32,
) -> (Vec<Code<'tree>>, Vec<(&'tree str, Failure)>) {
    let (mut codes, mut failures) = (Vec::new(), Vec::new());
    let mut credentials = credentials.iter();
    for credential in &mut credentials {
        match calculate(bus, credential, timeout).await {
            Ok(code) => codes.push(code),
            Err(failure) => {
                let failure = explained(failure, credential);
                let is_last = failure.code == exit::UNREACHABLE || failure.is_of_required_touch();
                failures.push((credential.name.as_str(), failure));
                if is_last {
                    break;
                }
            }
        }
    }
    let refusal =
        failures.last().map(|(_, failure)| failure).filter(|failure| failure.is_of_required_touch());
    if let Some(refusal) = refusal.cloned() {
        let rest = credentials.map(|other| (other.name.as_str(), explained(refusal.clone(), other)));
        failures.extend(rest);
    }
    (codes, failures)
}

fn explained(failure: Failure, credential: &Credential) -> Failure {
    let account = Some(credential.account.clone());
    failure.explained(&Asked { task: Task::Code, account, ..Asked::default() }, &Details::default())
}

async fn calculate<'tree>(
    bus: &Bus,
    credential: &'tree Credential,
    timeout: u32,
) -> Result<Code<'tree>, Failure> {
    // Nobody is asked for anything.
    let options = Options::from([("timeout", Variant::from(timeout)), ("interactive", false.into())]);
    let wait = Duration::from_secs(timeout.into());
    let (code, valid_from, valid_until, _) = bus.calculate(&credential.path, options, wait).await?;
    Ok(Code { name: &credential.name, code, valid_from, valid_until, credential })
}

/// Replaces the codes that ran out while others were calculated. One that cannot be replaced stays, with its time.
async fn renew(bus: &Bus, codes: &mut [Code<'_>], timeout: u32) {
    let now = SystemClock::new().unix_time();
    for code in codes.iter_mut().filter(|code| seconds_left(code.valid_until, now) == 0) {
        if let Ok(new) = calculate(bus, code.credential, timeout).await {
            *code = new;
        }
    }
}

/// On a terminal with the seconds for which each code is valid.
fn text(codes: &[Code<'_>], tree: &Tree) -> String {
    let now = SystemClock::new().unix_time();
    let rows = codes.iter().map(|code| {
        let left = format!("{} s", seconds_left(code.valid_until, now));
        let token = tree.token_label(code.credential);
        [code.credential.issuer.clone(), code.credential.account.clone(), code.code.clone(), left, token]
    });
    let look = Look::of_output().keeping(&[2]);
    if stdout().is_terminal() {
        return table(look, ["ISSUER", "ACCOUNT", "CODE", "LEFT", "TOKEN"], rows);
    }
    let rows = rows.map(|[issuer, account, code, _, token]| [issuer, account, code, token]);
    table(look, ["ISSUER", "ACCOUNT", "CODE", "TOKEN"], rows)
}

/// Why codes are missing. `nothing`: the reason if there is neither a code nor any other reason.
fn missing(tree: &Tree, skipped: &[&Credential], nothing: Option<&str>) -> Vec<String> {
    if tree.tokens.is_empty() {
        return problem::nothing_attached(tree);
    }
    let mut notes = [problem::locked(tree), problem::unusable(tree)].concat();
    match skipped {
        [] if notes.is_empty() => notes.extend(nothing.map(str::to_owned)),
        [] => {}
        [one] => notes.push(format!(
            "{} needs a touch or a counter; print its code with `oathbridgectl code {}`.",
            one.name, one.account
        )),
        several => notes.push(format!(
            "{} other credentials need a touch or a counter; print the code of one with `oathbridgectl code NAME`.",
            several.len()
        )),
    }
    notes
}
