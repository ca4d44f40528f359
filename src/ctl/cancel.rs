//! `oathbridgectl cancel`.

use serde::Serialize;

use super::arguments::CancelArguments;
use super::bus::Bus;
use super::cancelled::Cancelled;
use super::operation::Operation;
use super::screen::{Look, table};
use super::style::Style;
use super::tree::Tree;
use super::wording::words;
use super::{Failure, Output, exit};

/// The output of `--json`.
#[derive(Serialize)]
struct Json<'tree> {
    cancelled: Vec<One<'tree>>,
    refused: Vec<Refused<'tree>>,
}

/// The output of `--list --json`.
#[derive(Serialize)]
struct RunningJson<'tree> {
    running: Vec<Running<'tree>>,
}

#[derive(Serialize)]
struct Running<'tree> {
    /// The name of the credential; null if it is not known.
    name: Option<&'tree str>,
    operation: &'tree str,
    handle: &'tree str,
    request: &'tree str,
    state: &'tree str,
    requester: &'tree str,
}

#[derive(Serialize)]
struct One<'tree> {
    /// The name of the credential; null if it is not known.
    name: Option<&'tree str>,
    operation: &'tree str,
    outcome: Cancelled,
}

#[derive(Serialize)]
struct Refused<'tree> {
    name: Option<&'tree str>,
    operation: &'tree str,
    error: &'tree str,
}

pub(super) async fn run(arguments: &CancelArguments, style: Style) -> Result<Output, Failure> {
    if arguments.list {
        // Without a daemon nothing runs.
        return list(&Bus::join().await?.tree_now().await?.unwrap_or_default(), style);
    }
    let bus = Bus::connect().await?;
    let tree = bus.tree().await?;
    let selected = select(&tree, arguments)?;
    let outcomes = cancel_each(&selected, async |operation| bus.cancel(&operation.path).await).await;
    outcomes.output(&tree, style.json)
}

/// The running requests.
fn list(tree: &Tree, style: Style) -> Result<Output, Failure> {
    let running: Vec<_> = tree.running().collect();
    if style.json {
        let running = running.iter().map(|operation| Running {
            name: tree.credential_name(operation),
            operation: &operation.path,
            handle: tree.handle(operation),
            request: &operation.kind,
            state: &operation.state,
            requester: &operation.requester,
        });
        return Output::json(&RunningJson { running: running.collect() });
    }
    if running.is_empty() {
        return Ok(Output::text("").with_notes(["No request is running.".to_owned()]));
    }
    let rows = running.iter().map(|operation| {
        let (request, state) = (words::request(&operation.kind), words::state(&operation.state));
        let name = tree.credential_name(operation).unwrap_or_default();
        [tree.handle(operation), request, name, state, &operation.requester].map(str::to_owned)
    });
    // The handle is what `cancel` takes.
    let look = Look::of_output().keeping(&[0]);
    Ok(Output::text(table(look, ["HANDLE", "REQUEST", "NAME", "STATE", "PROGRAM"], rows)))
}

/// The outcomes of several requests.
#[derive(Default)]
struct Outcomes<'tree> {
    cancelled: Vec<(&'tree Operation, Cancelled)>,
    refused: Vec<(&'tree Operation, Failure)>,
}

/// Cancels one request after the other. A refusal concerns one request only; an unreachable daemon ends the loop.
async fn cancel_each<'tree>(
    operations: &[&'tree Operation],
    cancel: impl AsyncFn(&Operation) -> Result<Cancelled, Failure>,
) -> Outcomes<'tree> {
    let mut outcomes = Outcomes::default();
    for operation in operations {
        match cancel(operation).await {
            Ok(outcome) => outcomes.cancelled.push((*operation, outcome)),
            Err(failure) => {
                let is_unreachable = failure.code == exit::UNREACHABLE;
                outcomes.refused.push((operation, failure));
                if is_unreachable {
                    break;
                }
            }
        }
    }
    outcomes
}

impl Outcomes<'_> {
    /// The outcome of every request. If one was refused, the failure is that of the first refusal.
    fn output(&self, tree: &Tree, json: bool) -> Result<Output, Failure> {
        let failure = self.refused.first().map(|(_, failure)| failure.clone());
        let output = if json {
            let refused = self.refused.iter().map(|(operation, failure)| Refused {
                name: tree.credential_name(operation),
                operation: &operation.path,
                error: failure.sentence(),
            });
            let cancelled = self.cancelled.iter().map(|(operation, outcome)| One {
                name: tree.credential_name(operation),
                operation: &operation.path,
                outcome: *outcome,
            });
            Output::json(&Json { cancelled: cancelled.collect(), refused: refused.collect() })?
        } else {
            Output::text("").with_notes(self.notes(tree))
        };
        match failure {
            Some(failure) if self.cancelled.is_empty() && self.refused.len() == 1 => Err(failure),
            failure => Ok(output.with_failure(failure)),
        }
    }

    /// One sentence for each request, with the request's label if there are several.
    fn notes(&self, tree: &Tree) -> Vec<String> {
        let cancelled = self.cancelled.iter().map(|(operation, outcome)| (*operation, outcome.sentence()));
        let refused = self.refused.iter().map(|(operation, failure)| (*operation, failure.sentence()));
        let all: Vec<_> = cancelled.chain(refused).collect();
        match all.as_slice() {
            [(_, sentence)] => vec![(*sentence).to_owned()],
            several => {
                let line = |(operation, sentence)| format!("{}: {sentence}", label(tree, operation));
                several.iter().copied().map(line).collect()
            }
        }
    }
}

/// The label of a request in a list.
fn label(tree: &Tree, operation: &Operation) -> String {
    format!("{}  {}", tree.handle(operation), tree.about(operation))
}

fn select<'tree>(tree: &'tree Tree, arguments: &CancelArguments) -> Result<Vec<&'tree Operation>, Failure> {
    let running: Vec<_> = tree.running().collect();
    if arguments.all {
        return Ok(running);
    }
    if let Some(name) = &arguments.operation {
        let found: Vec<_> = running.iter().filter(|operation| operation.is(name)).copied().collect();
        return match found.len() {
            1 => Ok(found),
            0 => Err(not_found(
                "No running request has this handle; list them with `oathbridgectl cancel --list`.",
            )),
            _ => Err(ambiguous(tree, &found)),
        };
    }
    match running.len() {
        0 => Err(not_found("No request is running.")),
        1 => Ok(running),
        _ => Err(ambiguous(tree, &running)),
    }
}

fn not_found(sentence: &str) -> Failure {
    Failure::new(exit::NOT_FOUND, sentence)
}

fn ambiguous(tree: &Tree, running: &[&Operation]) -> Failure {
    Failure::new(exit::AMBIGUOUS, "Several requests are running; name one of them, or add --all.")
        .with_lines(running.iter().map(|operation| label(tree, operation)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(paths: &[&str]) -> Tree {
        let operation = |path: &&str| Operation {
            path: (*path).to_owned(),
            kind: "Calculate".to_owned(),
            state: "waiting-touch".to_owned(),
            credential: "/".to_owned(),
            requester: String::new(),
        };
        Tree { operations: paths.iter().map(operation).collect(), ..Tree::default() }
    }

    #[test]
    fn a_handle_of_two_programs_is_shown_with_the_program_s_number() {
        let tree = tree(&["/operations/1_7/tool", "/operations/1_8/tool", "/operations/1_8/other"]);
        let found = |name: &str| {
            let arguments = CancelArguments { operation: Some(name.to_owned()), all: false, list: false };
            select(&tree, &arguments).map(|found| found[0].path.clone())
        };
        let shown = list(&tree, Style::default()).unwrap();
        let json = list(&tree, Style { json: true, ..Style::default() }).unwrap();
        let json: serde_json::Value = serde_json::from_str(&json.text).unwrap();
        for (handle, path) in [
            ("1_7/tool", "/operations/1_7/tool"),
            ("1_8/tool", "/operations/1_8/tool"),
            ("other", "/operations/1_8/other"),
        ] {
            assert!(shown.text.lines().any(|line| line.starts_with(&format!("{handle} "))), "{shown:?}");
            let running = json["running"].as_array().unwrap();
            assert!(running.iter().any(|one| one["operation"] == path && one["handle"] == handle), "{json}");
            assert_eq!((found(handle).unwrap(), found(path).unwrap()), (path.to_owned(), path.to_owned()));
        }
        let failure = found("tool").unwrap_err();
        assert_eq!(failure.code, exit::AMBIGUOUS);
        assert!(failure.text().ends_with("\n  1_7/tool  code\n  1_8/tool  code"), "{}", failure.text());
    }

    #[tokio::test]
    async fn after_one_refusal_the_other_requests_are_still_cancelled() {
        let tree = tree(&["/a", "/b", "/c"]);
        let operations: Vec<_> = tree.operations.iter().collect();
        let refusal = Failure::new(exit::LATER, "Too many queries; wait a second.");
        let outcomes = cancel_each(&operations, async |operation| match operation.path.as_str() {
            "/b" => Err(refusal.clone()),
            _ => Ok(Cancelled::NothingSent),
        })
        .await;
        let output = outcomes.output(&tree, false).unwrap();
        assert_eq!(output.failure, Some(refusal.clone()));
        for line in [
            "a  code: Cancelled; no code was sent.",
            "c  code: Cancelled; no code was sent.",
            "b  code: Too many queries; wait a second.",
        ] {
            assert!(output.notes.iter().any(|note| note == line), "{:?}", output.notes);
        }
        let output = outcomes.output(&tree, true).unwrap();
        let json: serde_json::Value = serde_json::from_str(&output.text).unwrap();
        assert_eq!(json["cancelled"][1]["operation"], "/c");
        assert_eq!(json["refused"][0]["error"], "Too many queries; wait a second.");
        assert_eq!(output.failure, Some(refusal.clone()));
        let outcomes = cancel_each(&operations[..1], async |_| Err(refusal.clone())).await;
        assert_eq!(outcomes.output(&tree, true).unwrap_err(), refusal);
    }
}
