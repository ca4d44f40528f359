//! `oathbridgectl cancel`.

use serde::Serialize;

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
    /// False if a code was sent already; nothing more follows then.
    nothing_sent: bool,
}

pub(super) async fn run(arguments: &CancelArguments, json: bool) -> Result<Output, Failure> {
    let bus = Bus::connect().await?;
    let tree = bus.tree().await?;
    let mut cancelled = Vec::new();
    for operation in meant(&tree, arguments)? {
        let nothing_sent = bus.cancel(&operation.path).await?;
        cancelled.push(One { operation: &operation.path, nothing_sent });
    }
    if json {
        return Output::json(&Json { cancelled });
    }
    let note = |one: &One<'_>| match one.nothing_sent {
        true => "Cancelled; no code was sent.".to_owned(),
        false => "A code was sent already, which can't be taken back; nothing more is sent.".to_owned(),
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
