//! `oathbridgectl lock`.

use serde::Serialize;

use super::arguments::LockArguments;
use super::bus::Bus;
use super::style::Style;
use super::tree::{Token, Tree};
use super::{Failure, Output, query};

/// The output of `--json`.
#[derive(Serialize)]
struct Json<'tree> {
    /// The ids of the tokens whose passwords and PINs were wiped.
    locked: Vec<&'tree str>,
}

pub(super) async fn run(arguments: &LockArguments, style: Style) -> Result<Output, Failure> {
    // A daemon that does not run has nothing to forget.
    let Some(_) = Bus::join().await?.tree_now().await? else {
        if style.json {
            return Output::json(&Json { locked: Vec::new() });
        }
        let note = "The daemon does not run, so it has no passwords and PINs to forget.".to_owned();
        return Ok(Output::text("").with_notes([note]));
    };
    let bus = Bus::connect().await?;
    let tree = bus.tree().await?;
    let tokens: Vec<&Token> = match &arguments.token {
        Some(name) => vec![query::token(&tree, Some(name))?],
        None => tree.tokens.iter().collect(),
    };
    let one = arguments.token.as_ref().and(tokens.first()).map(|token| token.path.as_str());
    bus.lock(one).await?;
    if style.json {
        return Output::json(&Json { locked: tokens.iter().map(|token| token.id.as_str()).collect() });
    }
    Ok(Output::text("").with_notes([sentence(&tree, one, &tokens)]))
}

fn sentence(tree: &Tree, one: Option<&str>, tokens: &[&Token]) -> String {
    match (one, tokens) {
        (Some(_), [token, ..]) => {
            format!("The daemon has forgotten the password and the PIN of the token {}.", tree.label(token))
        }
        _ => "The daemon has forgotten the passwords and PINs of all tokens.".to_owned(),
    }
}
