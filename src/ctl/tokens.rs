//! `oathbridgectl tokens`.

use serde::Serialize;

use super::bus::Bus;
use super::problem::{self, Problem};
use super::screen::{Look, table};
use super::style::Style;
use super::tree::{Token, Tree};
use super::{Failure, Output};

/// The output of `--json`.
#[derive(Serialize)]
struct Json<'tree> {
    tokens: &'tree [Token],
    problems: Vec<Problem>,
}

pub(super) async fn run(style: Style) -> Result<Output, Failure> {
    let tree = Bus::connect().await?.tree().await?;
    if style.json {
        return Output::json(&Json { tokens: &tree.tokens, problems: problem::problems(&tree) });
    }
    Ok(text(&tree))
}

fn text(tree: &Tree) -> Output {
    if tree.tokens.is_empty() {
        return Output::text("").with_notes(problem::nothing_attached(tree));
    }
    let rows = tree.tokens.iter().map(|token| {
        let room = tree.room(token);
        [&token.model, &token.serial, &token.firmware, &token.state, &room, &token.reader, &token.id]
            .map(Clone::clone)
    });
    // The serial number and the id are what other commands take.
    let look = Look::of_output().keeping(&[1, 6]);
    Output::text(table(look, ["MODEL", "SERIAL", "FIRMWARE", "STATE", "CREDENTIALS", "READER", "ID"], rows))
        .with_notes(problem::unusable(tree))
        .with_notes(problem::sentences(tree))
}
