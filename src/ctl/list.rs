//! `oathbridgectl list`.

use serde::Serialize;

use super::arguments::ListArguments;
use super::bus::Bus;
use super::problem::{self, Problem, Unusable};
use super::screen::{Look, table};
use super::style::Style;
use super::tree::{Credential, Tree};
use super::{Failure, Output};

/// The output of `--json`.
#[derive(Serialize)]
struct Json<'tree> {
    credentials: Vec<&'tree Credential>,
    locked_tokens: Vec<&'tree str>,
    unusable_tokens: Vec<Unusable<'tree>>,
    problems: Vec<Problem>,
}

pub(super) async fn run(arguments: &ListArguments, style: Style) -> Result<Output, Failure> {
    let bus = Bus::connect().await?;
    if arguments.refresh {
        bus.reload().await?;
    }
    let tree = Tree { shows_hidden: arguments.show_hidden, ..bus.tree().await? };
    let tokens: Vec<_> = tree.tokens.iter().collect();
    let failure = if tree.credentials.is_empty() { problem::unread(&tree, &tokens) } else { None };
    if style.json {
        let list = Output::json(&Json {
            credentials: tree.listed().collect(),
            locked_tokens: tree.locked().map(|token| token.id.as_str()).collect(),
            unusable_tokens: Unusable::all(&tree),
            problems: problem::problems(&tree),
        })?;
        return Ok(list.with_failure(failure));
    }
    Ok(match failure {
        Some(failure) => Output::text("").with_notes(problem::locked(&tree)).with_failure(Some(failure)),
        None => text(&tree),
    })
}

fn text(tree: &Tree) -> Output {
    if tree.tokens.is_empty() {
        return Output::text("").with_notes(problem::nothing_attached(tree));
    }
    let notes = [problem::locked(tree), problem::unusable(tree), problem::sentences(tree)].concat();
    if tree.listed().next().is_none() {
        let empty = notes.is_empty().then(|| nothing_listed(!tree.credentials.is_empty()).to_owned());
        return Output::text("").with_notes(empty).with_notes(notes);
    }
    let rows = tree.listed().map(|credential| {
        [
            credential.issuer.clone(),
            credential.account.clone(),
            credential.kind.clone(),
            credential.touch_required.clone(),
            tree.token_label(credential),
        ]
    });
    Output::text(table(Look::of_output(), ["ISSUER", "ACCOUNT", "TYPE", "TOUCH", "TOKEN"], rows))
        .with_notes(notes)
}

/// Why a list of credentials is empty. `are_hidden`: there are credentials, which lists leave out.
pub(super) fn nothing_listed(are_hidden: bool) -> &'static str {
    if are_hidden {
        "All credentials are hidden; add --show-hidden to include them."
    } else {
        "The attached tokens have no credentials; add one with oathbridgectl add."
    }
}
