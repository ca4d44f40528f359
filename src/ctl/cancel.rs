//! `oathbridgectl cancel`.

use serde::Serialize;
use zbus::fdo;

use super::arguments::CancelArguments;
use super::bus::Bus;
use super::tree::{Operation, Tree};
use super::{Failure, Output, exit};

/// What `--json` prints.
#[derive(Serialize)]
struct Json<'tree> {
    cancelled: Vec<One<'tree>>,
}

#[derive(Serialize)]
struct One<'tree> {
    operation: &'tree str,
    outcome: Cancelled,
}

/// What became of a request that was to be cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Cancelled {
    /// It is cancelled, and no code was sent.
    NothingSent,
    /// A code was sent before; nothing more is.
    Sent,
    /// It had ended before.
    Ended,
}

impl Cancelled {
    /// A request whose object is gone has ended.
    pub(super) fn of(answer: zbus::Result<Self>) -> Result<Self, Failure> {
        match answer {
            Err(error) if matches!(error.clone().into(), fdo::Error::UnknownObject(_)) => Ok(Self::Ended),
            answer => Ok(answer?),
        }
    }
}

pub(super) async fn run(arguments: &CancelArguments, json: bool) -> Result<Output, Failure> {
    let bus = Bus::connect().await?;
    let tree = bus.tree().await?;
    let mut cancelled = Vec::new();
    for operation in meant(&tree, arguments)? {
        let outcome = bus.cancel(&operation.path).await?;
        cancelled.push(One { operation: &operation.path, outcome });
    }
    if json {
        return Output::json(&Json { cancelled });
    }
    let note = |one: &One<'_>| match one.outcome {
        Cancelled::NothingSent => "Cancelled; no code was sent.".to_owned(),
        Cancelled::Sent => {
            "A code was sent already, which can't be taken back; nothing more is sent.".to_owned()
        }
        Cancelled::Ended => "It had ended already; there was nothing left to cancel.".to_owned(),
    };
    Ok(Output::text("").with_notes(cancelled.iter().map(note)))
}

fn meant<'tree>(tree: &'tree Tree, arguments: &CancelArguments) -> Result<Vec<&'tree Operation>, Failure> {
    let running: Vec<_> = tree.operations.iter().filter(|operation| operation.is_running()).collect();
    if arguments.all {
        return Ok(running);
    }
    if let Some(name) = &arguments.operation {
        let is = |operation: &&&Operation| operation.path == *name || operation.handle() == name.as_str();
        let found: Vec<_> = running.iter().filter(is).copied().collect();
        return match found.len() {
            1 => Ok(found),
            0 => Err(none("No running request is called that; see what runs with oathbridgectl cancel.")),
            _ => Err(several(tree, &found)),
        };
    }
    match running.len() {
        0 => Err(none("No request is running that an object stands for; there is nothing to cancel.")),
        1 => Ok(running),
        _ => Err(several(tree, &running)),
    }
}

fn none(sentence: &str) -> Failure {
    Failure::new(exit::NOT_FOUND, sentence)
}

fn several(tree: &Tree, running: &[&Operation]) -> Failure {
    Failure::new(exit::AMBIGUOUS, "Several requests are running; name one of them, or pass --all.")
        .with_lines(running.iter().map(|operation| format!("{}  {}", operation.path, tree.about(operation))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_ended_by_itself_is_no_failure() {
        let gone = fdo::Error::UnknownObject("There is no such object.".to_owned());
        assert_eq!(Cancelled::of(Err(gone.into())), Ok(Cancelled::Ended));
        let denied = fdo::Error::AccessDenied("No.".to_owned());
        assert!(Cancelled::of(Err(denied.into())).is_err());
    }
}
