//! `oathbridgectl complete`: the names that a shell completes. Never starts the daemon, and never fails.

use std::time::Duration;

use super::Output;
use super::arguments::Names;
use super::bus::Bus;
use super::tree::Tree;
use crate::text::escape_invisible;

/// A person waits for the shell.
const TIMEOUT: Duration = Duration::from_secs(2);

/// One name a line; none without a daemon.
pub(super) async fn run(names: Names) -> Output {
    let read = async { Bus::join().await.ok()?.tree_now().await.ok().flatten() };
    let tree = tokio::time::timeout(TIMEOUT, read).await.ok().flatten().unwrap_or_default();
    let mut lines = names_of(&tree, names);
    lines.sort();
    // A name with such characters would not be what is typed.
    lines.retain(|name| !name.is_empty() && escape_invisible(name) == *name);
    Output::text(lines.iter().map(|name| format!("{name}\n")).collect::<String>())
}

fn names_of(tree: &Tree, names: Names) -> Vec<String> {
    match names {
        Names::Credentials => tree.listed().map(|credential| credential.name.clone()).collect(),
        Names::Profiles => tree.profiles.iter().map(|profile| profile.name.clone()).collect(),
        Names::Requests => tree.running().map(|operation| tree.handle(operation).to_owned()).collect(),
        Names::Tokens => {
            let name =
                |serial: &String, id: &String| if serial.is_empty() { id.clone() } else { serial.clone() };
            tree.tokens.iter().map(|token| name(&token.serial, &token.id)).collect()
        }
    }
}
