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
    cancelled: &'tree [One<'tree>],
    refused: Vec<Refused<'tree>>,
}

#[derive(Serialize)]
struct One<'tree> {
    operation: &'tree str,
    outcome: Cancelled,
}

#[derive(Serialize)]
struct Refused<'tree> {
    operation: &'tree str,
    error: &'tree str,
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
    fn sentence(self) -> &'static str {
        match self {
            Self::NothingSent => "Cancelled; no code was sent.",
            Self::Sent => "A code was sent already, which can't be taken back; nothing more is sent.",
            Self::Ended => "It had ended already; there was nothing left to cancel.",
        }
    }

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
    let meant = meant(&tree, arguments)?;
    let outcomes = each(&meant, async |operation| bus.cancel(&operation.path).await).await;
    outcomes.output(&tree, json)
}

/// What became of several requests.
#[derive(Default)]
struct Outcomes<'tree> {
    cancelled: Vec<One<'tree>>,
    refused: Vec<(&'tree Operation, Failure)>,
}

/// Cancels one after the other. A refusal is about one of them; without a daemon there is no going on.
async fn each<'tree>(
    meant: &[&'tree Operation],
    cancel: impl AsyncFn(&Operation) -> Result<Cancelled, Failure>,
) -> Outcomes<'tree> {
    let mut outcomes = Outcomes::default();
    for operation in meant {
        match cancel(operation).await {
            Ok(outcome) => outcomes.cancelled.push(One { operation: &operation.path, outcome }),
            Err(failure) => {
                let is_over = failure.code == exit::UNREACHABLE;
                outcomes.refused.push((operation, failure));
                if is_over {
                    break;
                }
            }
        }
    }
    outcomes
}

impl Outcomes<'_> {
    /// Says what was cancelled also when something was not; that fails as the first refusal does.
    fn output(&self, tree: &Tree, json: bool) -> Result<Output, Failure> {
        let failure = self.refused.first().map(|(_, failure)| failure.clone());
        let output = if json {
            let refused = self.refused.iter().map(|(operation, failure)| Refused {
                operation: &operation.path,
                error: failure.sentence(),
            });
            Output::json(&Json { cancelled: &self.cancelled, refused: refused.collect() })?
        } else {
            Output::text("").with_notes(self.notes(tree))
        };
        match failure {
            Some(failure) if self.cancelled.is_empty() && self.refused.len() == 1 => Err(failure),
            failure => Ok(output.with_failure(failure)),
        }
    }

    /// A sentence each, which says what it is about unless there is but one.
    fn notes(&self, tree: &Tree) -> Vec<String> {
        let cancelled = self.cancelled.iter().map(|one| (one.operation, one.outcome.sentence()));
        let refused = self.refused.iter().map(|(operation, failure)| (&*operation.path, failure.sentence()));
        let all: Vec<_> = cancelled.chain(refused).collect();
        match all.as_slice() {
            [(_, sentence)] => vec![(*sentence).to_owned()],
            several => {
                several.iter().map(|(path, sentence)| format!("{}: {sentence}", label(tree, path))).collect()
            }
        }
    }
}

/// A request among others.
fn label(tree: &Tree, path: &str) -> String {
    let operation = tree.operations.iter().find(|operation| operation.path == path);
    let about = operation.map(|operation| tree.about(operation)).unwrap_or_default();
    format!("{path}  {about}")
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
        .with_lines(running.iter().map(|operation| label(tree, &operation.path)))
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

    #[tokio::test]
    async fn a_refusal_of_one_leaves_none_of_the_others_running() {
        let operation = |name: &str| Operation {
            path: name.to_owned(),
            kind: "Calculate".to_owned(),
            state: "waiting-touch".to_owned(),
            credential: "/".to_owned(),
        };
        let tree = Tree { operations: ["/a", "/b", "/c"].map(operation).to_vec(), ..Tree::default() };
        let meant: Vec<_> = tree.operations.iter().collect();
        let refusal = Failure::new(exit::LATER, "Too many queries; wait a second.");
        let outcomes = each(&meant, async |operation| match operation.path.as_str() {
            "/b" => Err(refusal.clone()),
            _ => Ok(Cancelled::NothingSent),
        })
        .await;
        let output = outcomes.output(&tree, false).unwrap();
        assert_eq!(output.failure, Some(refusal.clone()));
        for line in [
            "/a  Calculate: Cancelled; no code was sent.",
            "/c  Calculate: Cancelled; no code was sent.",
            "/b  Calculate: Too many queries; wait a second.",
        ] {
            assert!(output.notes.iter().any(|note| note == line), "{:?}", output.notes);
        }
        let output = outcomes.output(&tree, true).unwrap();
        let json: serde_json::Value = serde_json::from_str(&output.text).unwrap();
        assert_eq!(json["cancelled"][1]["operation"], "/c");
        assert_eq!(json["refused"][0]["error"], "Too many queries; wait a second.");
        assert_eq!(output.failure, Some(refusal.clone()));
        let outcomes = each(&meant[..1], async |_| Err(refusal.clone())).await;
        assert_eq!(outcomes.output(&tree, true).unwrap_err(), refusal);
    }
}
