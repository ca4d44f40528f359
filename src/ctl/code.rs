//! `oathbridgectl code`.

use std::io::{IsTerminal, stdout};
use std::time::Duration;

use serde::Serialize;
use zbus::Variant;

use super::arguments::CodeArguments;
use super::asked::{Asked, Task};
use super::bus::Bus;
use super::clipboard::{Clipboard, Copied};
use super::follow::Follower;
use super::local_time::seconds_left;
use super::proxies::{Extra, Options};
use super::style::Style;
use super::tree::{Credential, Tree};
use super::{Failure, Output, codes, query, secret_input};
use crate::clock::{Clock, SystemClock};

/// How long the clipboard keeps a code that does not run out.
const COPIED_COUNTER: Duration = Duration::from_secs(30);

/// The output of `--json`.
#[derive(Serialize)]
struct Json<'reply> {
    name: &'reply str,
    /// Null if the clipboard has it.
    code: Option<&'reply str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_code: Option<&'reply str>,
    /// Unix seconds; null for a counter-based credential.
    valid_from: Option<u64>,
    valid_until: Option<u64>,
    credential: &'reply Credential,
    /// Whether the clipboard has the code; only with `--copy`.
    #[serde(skip_serializing_if = "Option::is_none")]
    copied: Option<bool>,
    /// Unix seconds; absent if the code was not copied, or stays where this program cannot remove it.
    #[serde(skip_serializing_if = "Option::is_none")]
    clears_at: Option<u64>,
}

pub(super) async fn run(arguments: &CodeArguments, style: Style) -> Result<Output, Failure> {
    // Before anything is used up for it.
    if !arguments.copy {
        secret_input::check_output("code")?;
    }
    let bus = Bus::connect().await?;
    let tree = Tree { shows_hidden: arguments.show_hidden, ..bus.tree().await? };
    let Some(query) = &arguments.query else {
        return codes::run(&bus, &tree, arguments, style).await;
    };
    let credential = query::credential(&tree, query, arguments.token.as_deref())?;
    check(arguments, credential)?;
    let clipboard = arguments.copy.then(Clipboard::find).transpose()?;
    let (code, valid_from, valid_until, mut extra) =
        calculate(&bus, &tree, credential, arguments, style).await?;
    let next_code = extra.remove("next-code").and_then(|next| String::try_from(next).ok());
    let is_valid = |time| (valid_until != 0).then_some(time);
    let now = SystemClock::new().unix_time();
    let left = is_valid(valid_until).map(|until| seconds_left(until, now));
    let time = left.map_or(COPIED_COUNTER, Duration::from_secs);
    let (copied, failure) = copy(clipboard, &code, time).await;
    let output = if style.json {
        Output::json(&Json {
            name: &credential.name,
            code: copied.is_none().then_some(code.as_str()),
            next_code: next_code.as_deref(),
            valid_from: is_valid(valid_from),
            valid_until: is_valid(valid_until),
            credential,
            copied: arguments.copy.then_some(copied.is_some()),
            clears_at: copied.as_ref().filter(|copied| copied.is_cleared).map(|_| (now + time).as_secs()),
        })?
    } else if copied.is_none() {
        plain(&code, next_code.as_deref(), left)
    } else {
        Output::text("")
    };
    Ok(output.with_notes(copied.map(|copied| copied.note)).with_failure(failure))
}

/// Copies the code, if there is a clipboard. The code is used up by now, so it is printed if the clipboard does not take it.
async fn copy(clipboard: Option<Clipboard>, code: &str, time: Duration) -> (Option<Copied>, Option<Failure>) {
    match clipboard {
        Some(clipboard) => match clipboard.copy(code, time).await {
            Ok(copied) => (Some(copied), None),
            Err(failure) => (None, Some(failure)),
        },
        None => (None, None),
    }
}

/// One code a line; on a terminal also the seconds that are left.
fn plain(code: &str, next_code: Option<&str>, left: Option<u64>) -> Output {
    let mut output = Output::text("");
    for line in [Some(code), next_code].into_iter().flatten() {
        output.text.push_str(line);
        output.text.push('\n');
    }
    let left = left.filter(|_| stdout().is_terminal());
    output.with_notes(left.map(|left| format!("Valid for {left} s.")))
}

async fn calculate(
    bus: &Bus,
    tree: &Tree,
    credential: &Credential,
    arguments: &CodeArguments,
    style: Style,
) -> Result<(String, u64, u64, Extra), Failure> {
    let timeout = Duration::from_secs(arguments.timeout.into());
    let asked = Asked {
        task: Task::Code,
        account: Some(credential.account.clone()),
        timeout: Some(arguments.timeout),
        ..Asked::default()
    };
    let follower = Follower::new(bus, tree, Some(credential), timeout).await?.quietly(style.quiet);
    follower.during(&asked, bus.calculate(&credential.path, options(arguments), timeout)).await
}

/// Refuses options that do not fit the credential, with the values that the user typed.
fn check(arguments: &CodeArguments, credential: &Credential) -> Result<(), Failure> {
    let (account, period) = (&credential.account, credential.period);
    let is_counter_based = credential.kind == "hotp";
    match arguments.min_validity {
        _ if is_counter_based && (arguments.next || arguments.claim || arguments.min_validity.is_some()) => {
            Err(Failure::usage(format!(
                "`{account}` is counter-based, so its codes have no time; leave out --next, --min-validity and --claim."
            )))
        }
        _ if !is_counter_based && arguments.advance_counter => {
            Err(Failure::usage(format!("`{account}` is time-based; leave out --advance-counter.")))
        }
        Some(seconds) if seconds > period => Err(Failure::usage(format!(
            "--min-validity {seconds} is longer than this code is valid ({period} s); use {period} or less."
        ))),
        _ => Ok(()),
    }
}

fn options(arguments: &CodeArguments) -> Options<'static> {
    let mut options = Options::from([("timeout", Variant::from(arguments.timeout))]);
    if let Some(seconds) = arguments.min_validity {
        options.insert("min-validity", seconds.into());
    }
    let flags = [
        ("next", arguments.next),
        ("claim", arguments.claim),
        ("advance-counter", arguments.advance_counter),
        ("set-time", arguments.set_time),
    ];
    options.extend(flags.into_iter().filter(|(_, given)| *given).map(|(key, given)| (key, given.into())));
    Follower::add_handle(&mut options);
    options
}
