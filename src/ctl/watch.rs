//! `oathbridgectl watch`: a line for each change of what a person has to do, for status bars.

use std::io::{Write, stdout};

use futures_util::StreamExt;
use serde::Serialize;
use zbus::message::Type;
use zbus::{MatchRule, MessageStream, fdo};

use super::arguments::{Format, WatchArguments};
use super::bus::Bus;
use super::screen::escape;
use super::tree::Tree;
use super::{Failure, Output};
use crate::dbus::names;
use crate::markup::escaped;

/// A module of Waybar with `return-type` `json` (waybar-custom(5)).
#[derive(Serialize)]
struct Waybar<'a> {
    text: &'a str,
    tooltip: String,
    class: &'a str,
    alt: &'a str,
}

/// Runs until nobody reads any more.
pub(super) async fn run(arguments: &WatchArguments) -> Result<Output, Failure> {
    // No daemon is started for that, and one that ends is waited for.
    let bus = Bus::join().await?;
    let prompt = MatchRule::builder()
        .msg_type(Type::Signal)
        .sender(names::BUS)
        .path(names::PROMPT)
        .build()?
        .to_owned();
    let mut changes = MessageStream::for_match_rule(prompt, bus.connection(), None).await?;
    let dbus = fdo::DBusProxy::new(bus.connection()).await?;
    let mut owners = dbus.receive_name_owner_changed_with_args(&[(0, names::BUS)]).await?;
    let mut last = None;
    loop {
        let tree = bus.tree_now().await.unwrap_or_default();
        let line = line(&tree, arguments.format);
        if last.as_ref() != Some(&line) {
            if writeln!(stdout(), "{line}").and_then(|()| stdout().flush()).is_err() {
                return Ok(Output::text(""));
            }
            last = Some(line);
        }
        tokio::select! {
            Some(_) = changes.next() => {}
            Some(_) = owners.next() => {}
            else => return Err(Failure::silent_daemon()),
        }
    }
}

fn line(tree: &Tree, format: Format) -> String {
    let prompt = &tree.prompt;
    let text = sentence(tree);
    match format {
        Format::Plain if prompt.kind.is_empty() => format!("{text}."),
        Format::Plain => escape(&format!("{text}: {}.", who(tree))),
        Format::Waybar => {
            let class = if prompt.kind.is_empty() { "idle" } else { &prompt.kind };
            let text = if prompt.kind.is_empty() { String::new() } else { escaped(&escape(&text)) };
            let line = Waybar { text: &text, tooltip: escaped(&escape(&who(tree))), class, alt: class };
            serde_json::to_string(&line).unwrap_or_default()
        }
    }
}

fn sentence(tree: &Tree) -> String {
    let prompt = &tree.prompt;
    let token = tree.tokens.iter().find(|token| token.path == prompt.token);
    let token = token.map_or_else(|| "the token".to_owned(), |token| tree.label(token));
    match prompt.kind.as_str() {
        "" => "Nothing to do".to_owned(),
        "touch" => format!("Touch {token}"),
        "unlock" => format!("Unlock {token}"),
        "insert" => "Plug in the token".to_owned(),
        other => format!("Needed: {other}"),
    }
}

/// For whom and what for.
fn who(tree: &Tree) -> String {
    let prompt = &tree.prompt;
    let operation = tree.operations.iter().find(|operation| operation.path == prompt.operation);
    let about = operation.map(|operation| tree.about(operation)).unwrap_or_default();
    match (about.is_empty(), prompt.requester.as_str()) {
        (true, _) => String::new(),
        (false, "") => about,
        (false, requester) => format!("{about}, asked for by {requester}"),
    }
}
