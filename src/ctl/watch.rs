//! `oathbridgectl watch`: prints a line whenever the action that a person must take changes, for status bars.

use std::io::{Write, stdout};
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use serde::Serialize;
use tokio::sync::{oneshot, watch};
use zbus::MatchRule;
use zbus::message::Type;

use super::arguments::{Format, WatchArguments};
use super::bus::Bus;
use super::style::Style;
use super::tree::Tree;
use super::{Failure, Output};
use crate::dbus::names;
use crate::markup::escaped;
use crate::signals::{self, ServiceEvent};
use crate::text::shown;

/// A module of Waybar with `return-type` `json` (waybar-custom(5)).
#[derive(Serialize)]
struct Waybar<'a> {
    text: &'a str,
    tooltip: String,
    class: &'a str,
    alt: &'a str,
}

/// A line of JSON.
#[derive(Serialize)]
struct Json<'a> {
    /// Empty if there is nothing to do.
    kind: &'a str,
    message: &'a str,
    /// The name of the credential; null if it is not known.
    name: Option<&'a str>,
    /// The id of the token; null if it is not known.
    token: Option<&'a str>,
    /// The object path of the request; null if there is none.
    operation: Option<&'a str>,
    request: Option<&'a str>,
    requester: Option<&'a str>,
}

impl<'a> Json<'a> {
    fn new(tree: &'a Tree, message: &'a str) -> Self {
        let prompt = &tree.prompt;
        let operation = tree.operations.iter().find(|operation| operation.path == prompt.operation);
        let token = tree.tokens.iter().find(|token| token.path == prompt.token);
        Self {
            kind: &prompt.kind,
            message,
            name: operation.and_then(|operation| tree.credential_name(operation)),
            token: token.map(|token| token.id.as_str()),
            operation: operation.map(|operation| operation.path.as_str()),
            request: operation.map(|operation| operation.kind.as_str()),
            requester: Some(prompt.requester.as_str()).filter(|requester| !requester.is_empty()),
        }
    }
}

/// The pause after a call that the daemon did not answer.
const RETRY_INTERVAL: Duration = Duration::from_secs(5);

/// Runs until standard output is closed.
pub(super) async fn run(arguments: &WatchArguments, style: Style) -> Result<Output, Failure> {
    let format = match (style.json, arguments.format) {
        (true, Format::Waybar) => {
            return Err(Failure::usage(
                "--json and --format waybar exclude each other; leave one of them out.",
            ));
        }
        (true, _) => Format::Json,
        (false, format) => format,
    };
    // Does not start the daemon, and waits for one that ends to come back.
    let bus = Bus::join().await?;
    let prompt =
        MatchRule::builder().msg_type(Type::Signal).sender(names::BUS).path(names::PROMPT).build()?;
    let changes = watch::Sender::new(());
    let note = |_: ServiceEvent<'_>| {
        changes.send_replace(());
    };
    tokio::select! {
        ended = signals::listen(bus.connection(), names::BUS, prompt, note) => {
            ended?;
            Err(Failure::silent_daemon())
        }
        () = show(&bus, format, changes.subscribe()) => Ok(Output::text("")),
        () = output_closed() => Ok(Output::text("")),
    }
}

/// Ends when a line cannot be written.
async fn show(bus: &Bus, format: Format, mut changes: watch::Receiver<()>) {
    let mut last = None;
    loop {
        changes.mark_unchanged();
        let tree = bus.tree_now().await;
        // Without a daemon there is no action. If the daemon does not answer, the last line stays valid.
        let line = match &tree {
            Ok(Some(tree)) if is_inconsistent(tree) => None,
            Ok(tree) => Some(line(tree.as_ref().unwrap_or(&Tree::default()), format)),
            Err(_) => None,
        };
        if line.is_some() && line != last {
            let text = line.as_deref().unwrap_or_default();
            if writeln!(stdout(), "{text}").and_then(|()| stdout().flush()).is_err() {
                return;
            }
            last = line;
        }
        tokio::select! {
            changed = changes.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(RETRY_INTERVAL), if tree.is_err() => {}
        }
    }
}

/// The tree was read during a change: the operation of the prompt is already removed or not yet added. A signal follows.
fn is_inconsistent(tree: &Tree) -> bool {
    let prompt = &tree.prompt;
    !prompt.kind.is_empty() && !tree.operations.iter().any(|operation| operation.path == prompt.operation)
}

/// Ends when the other end of standard output is closed. A failed write is not enough: the next line may be hours away.
async fn output_closed() {
    let (closed, is_closed) = oneshot::channel();
    // A thread of its own, because the runtime waits for its own threads at the end.
    let watching = thread::Builder::new().name("stdout".to_owned()).spawn(move || {
        let output = stdout();
        // poll always reports errors and hang-ups, so no event is requested.
        let mut wanted = [PollFd::new(&output, PollFlags::empty())];
        while poll(&mut wanted, None) == Err(Errno::INTR) {}
        // An error means that the command has already ended.
        let _ = closed.send(());
    });
    if watching.is_err() || is_closed.await.is_err() {
        std::future::pending().await
    }
}

fn line(tree: &Tree, format: Format) -> String {
    let prompt = &tree.prompt;
    let text = sentence(tree);
    match format {
        Format::Plain if prompt.kind.is_empty() => format!("{text}."),
        Format::Plain => format!("{}: {}.", shown(&text), shown(&who(tree))),
        Format::Json => serde_json::to_string(&Json::new(tree, &text)).unwrap_or_default(),
        Format::Waybar => {
            let class = if prompt.kind.is_empty() { "idle" } else { &prompt.kind };
            let text = if prompt.kind.is_empty() { String::new() } else { escaped(&shown(&text)) };
            let line = Waybar { text: &text, tooltip: escaped(&shown(&who(tree))), class, alt: class };
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

/// The operation and the calling program.
fn who(tree: &Tree) -> String {
    let prompt = &tree.prompt;
    let operation = tree.operations.iter().find(|operation| operation.path == prompt.operation);
    let about = operation.map(|operation| tree.about(operation)).unwrap_or_default();
    match (about.is_empty(), prompt.requester.as_str()) {
        (true, _) => String::new(),
        (false, "") => about,
        (false, requester) => format!("{about}, requested by {requester}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::operation::Operation;
    use super::super::tree::Prompt;
    use super::*;

    #[test]
    fn a_prompt_without_its_operation_prints_no_line() {
        let prompt =
            Prompt { kind: "touch".to_owned(), operation: "/operations/1".to_owned(), ..Prompt::default() };
        let operation = |path: &str| Operation {
            path: path.to_owned(),
            kind: "Calculate".to_owned(),
            state: "waiting-touch".to_owned(),
            credential: "/".to_owned(),
            requester: String::new(),
        };
        let mut tree = Tree { prompt, ..Tree::default() };
        assert!(is_inconsistent(&tree) && !is_inconsistent(&Tree::default()));
        tree.operations = vec![operation("/operations/0")];
        assert!(is_inconsistent(&tree));
        tree.operations.push(operation("/operations/1"));
        assert!(!is_inconsistent(&tree));
    }
}
