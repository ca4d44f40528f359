//! `oathbridgectl guard`: reads the single-use record from its file; the daemon need not run.

use std::io::{IsTerminal, Write, stderr, stdin};
use std::time::Duration;

use serde::{Serialize, Serializer};

use super::arguments::{ForgetArguments, GuardCommand};
use super::bus::Bus;
use super::screen::{Look, table};
use super::style::Style;
use super::tree::{Credential, Tree};
use super::{Failure, Output, exit, local_time, query};
use crate::dbus::names;
use crate::guard::{self, Entry, Folders, Guard, Record, Unavailable, Use};
use crate::otp::Period;
use crate::text::escape_invisible;
use crate::utc::rfc3339;
use crate::{process, state_file};

/// The daemon only adds the names of credentials, so the command waits for it only briefly.
const NAMES_TIMEOUT: Duration = Duration::from_secs(4);

const RISK: &str = "The current codes can then be submitted a second time, which Amazon Cognito refuses and which locks the account if it happens often";

/// The output of `show --json`.
#[derive(Serialize)]
struct Json {
    credentials: Vec<CredentialJson>,
}

#[derive(Serialize)]
struct CredentialJson {
    id: String,
    /// Null unless a running daemon knows the credential.
    name: Option<String>,
    issuer: Option<String>,
    account: Option<String>,
    /// A random name of the seed; credentials with the same name share their time steps.
    seed: String,
    period: u32,
    /// False if the period is a guess; the times are then wrong for another period.
    period_known: bool,
    steps: Vec<StepsJson>,
}

#[derive(Serialize)]
struct StepsJson {
    first: u64,
    last: u64,
    /// Unix time, written as RFC 3339.
    #[serde(serialize_with = "utc")]
    from: Duration,
    #[serde(serialize_with = "utc")]
    until: Duration,
    #[serde(rename = "use")]
    usage: &'static str,
}

/// The output of `forget --json`.
#[derive(Serialize)]
struct ForgottenJson<'a> {
    id: &'a str,
    forgotten: bool,
}

pub(super) async fn run(command: &GuardCommand, style: Style) -> Result<Output, Failure> {
    process::hide().map_err(|error| Failure::failed("Protecting this process", error))?;
    let state = state_file::directory().ok_or_else(|| {
        Failure::new(
            exit::FAILED,
            "There is no state folder; set HOME or XDG_STATE_HOME to an absolute path.",
        )
    })?;
    let guard = Guard::open(Folders { state, runtime: state_file::session_directory() });
    let tree =
        tokio::time::timeout(NAMES_TIMEOUT, Bus::tree_if_running()).await.ok().flatten().unwrap_or_default();
    match command {
        GuardCommand::Show => show(&guard, &tree, style.json),
        GuardCommand::Forget(arguments) => forget(&guard, &tree, arguments, style.json),
    }
}

fn show(guard: &Guard, tree: &Tree, json: bool) -> Result<Output, Failure> {
    let entries = guard.show().map_err(|error| unusable(guard, &error))?;
    let credentials: Vec<_> = entries.iter().map(|entry| describe(entry, tree)).collect();
    if json {
        return Output::json(&Json { credentials });
    }
    if credentials.is_empty() {
        return Ok(Output::text("").with_notes(["No time step is recorded as used.".to_owned()]));
    }
    let guessed = credentials.iter().any(|credential| !credential.period_known);
    let rows = credentials.into_iter().flat_map(|credential| {
        let CredentialJson { id, name, steps, .. } = credential;
        let name = name.unwrap_or_default();
        steps.into_iter().map(move |StepsJson { from, until, usage, .. }| {
            let [from, until] = [from, until].map(local_time::date_and_time);
            [from, until, usage.to_owned(), name.clone(), id.clone()]
        })
    });
    let output = Output::text(table(
        Look::of_output().keeping(&[4]),
        ["FROM", "UNTIL", "USE", "NAME", "CREDENTIAL"],
        rows,
    ));
    let note = "The tokens of credentials without a name are not attached; their times assume a period of 30 seconds.";
    Ok(output.with_notes(guessed.then(|| note.to_owned())))
}

fn forget(guard: &Guard, tree: &Tree, arguments: &ForgetArguments, json: bool) -> Result<Output, Failure> {
    let entries = guard.show().map_err(|error| unusable(guard, &error))?;
    let id = recorded(&entries, tree, &arguments.credential)?;
    if !arguments.yes && !confirmed(&id, tree)? {
        return Err(Failure::new(exit::FAILED, "Nothing was deleted."));
    }
    let forgotten = guard.forget(&id).map_err(|error| unusable(guard, &error))?;
    if json {
        return Output::json(&ForgottenJson { id: &id, forgotten });
    }
    Ok(Output::text("").with_notes([format!("The recorded time steps of {id} are deleted.")]))
}

/// The id of the recorded credential that matches a name.
fn recorded(entries: &[Entry], tree: &Tree, named: &str) -> Result<String, Failure> {
    let id =
        named.strip_prefix(names::ROOT).and_then(|path| path.strip_prefix("/credentials/")).unwrap_or(named);
    let is_recorded = |id: &str| entries.iter().any(|entry| entry.credential == id);
    if is_recorded(id) {
        return Ok(id.to_owned());
    }
    match query::credential(tree, named, None) {
        Ok(credential) if is_recorded(&credential.id) => Ok(credential.id.clone()),
        Err(failure) if failure.code == exit::AMBIGUOUS => Err(failure),
        _ => {
            let recorded = entries.iter().map(|entry| entry.credential.clone());
            let sentence = if entries.is_empty() {
                "No time step is recorded as used, so there is nothing to delete."
            } else {
                "No time step of this credential is recorded; name one of these:"
            };
            Err(Failure::new(exit::NOT_FOUND, sentence).with_lines(recorded))
        }
    }
}

fn confirmed(id: &str, tree: &Tree) -> Result<bool, Failure> {
    if !stdin().is_terminal() {
        return Err(Failure::usage(format!("{RISK}; add --yes to confirm.")));
    }
    let name = find(tree, id).map_or_else(|| id.to_owned(), |credential| credential.name.clone());
    // If standard error is closed, the user sees no question, and the answer is no.
    let _ =
        write!(stderr(), "{RISK}.\nDelete the recorded time steps of {}? [y/N] ", escape_invisible(&name));
    let mut answer = String::new();
    stdin().read_line(&mut answer).map_err(|error| Failure::failed("Reading the answer", error))?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

fn describe(entry: &Entry, tree: &Tree) -> CredentialJson {
    let credential = find(tree, &entry.credential);
    let known = credential.and_then(|credential| Period::new(credential.period).ok());
    let period = known.unwrap_or(Period::DEFAULT);
    CredentialJson {
        id: entry.credential.clone(),
        name: credential.map(|credential| credential.name.clone()),
        issuer: credential.map(|credential| credential.issuer.clone()),
        account: credential.map(|credential| credential.account.clone()),
        seed: entry.seed.clone(),
        period: period.seconds(),
        period_known: known.is_some(),
        steps: entry.records.iter().map(|record| steps(*record, period)).collect(),
    }
}

fn steps(record: Record, period: Period) -> StepsJson {
    StepsJson {
        first: record.first().0,
        last: record.last().0,
        from: record.first().start(period),
        until: record.last().next().start(period),
        usage: match record.usage() {
            Use::Intent => "intent",
            Use::Spent => "spent",
        },
    }
}

fn utc<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&rfc3339(*time))
}

fn find<'tree>(tree: &'tree Tree, id: &str) -> Option<&'tree Credential> {
    tree.credentials.iter().find(|credential| credential.id == id)
}

fn unusable(guard: &Guard, error: &guard::Error) -> Failure {
    let advice = match error {
        guard::Error::Unavailable(Unavailable::Record(state_file::Error::Damaged)) => {
            "remove the file if no code was submitted in the last minute"
        }
        guard::Error::Unavailable(Unavailable::Record(state_file::Error::OtherVersion { .. })) => {
            "use the version of oathbridge that wrote it"
        }
        _ => "check its permissions and the free disk space, and try again",
    };
    Failure::new(exit::FAILED, format!("{} is not usable: {error}; {advice}.", guard.file().display()))
}
