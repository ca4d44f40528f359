//! `oathbridgectl code`.

use std::time::Duration;

use serde::Serialize;
use zbus::Variant;

use super::arguments::CodeArguments;
use super::bus::{Bus, Options};
use super::tree::{Credential, Tree};
use super::wait::{Phase, announced};
use super::{Failure, Output, query};
use crate::clock::{Clock, SystemClock};
use crate::operations::Deadline;
use crate::otp::{Period, Step};

/// What `--json` prints.
#[derive(Serialize)]
struct Json<'reply> {
    code: &'reply str,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_code: Option<&'reply str>,
    /// Unix seconds; null for a counter's code.
    valid_from: Option<u64>,
    valid_until: Option<u64>,
    credential: &'reply Credential,
}

pub(super) async fn run(arguments: &CodeArguments, json: bool) -> Result<Output, Failure> {
    let bus = Bus::connect().await?;
    let tree = bus.tree().await?;
    let credential = query::credential(&tree, &arguments.query, arguments.token.as_deref())?;
    let timeout = Duration::from_secs(arguments.timeout.into());
    let call = bus.calculate(&credential.path, options(arguments), timeout);
    let phases = phases(arguments, &tree, credential, timeout);
    let (code, valid_from, valid_until, mut extra) = announced(phases, call).await?;
    let next_code = extra.remove("next-code").and_then(|next| String::try_from(next).ok());
    if json {
        let counts = valid_until == 0;
        return Output::json(&Json {
            code: &code,
            next_code: next_code.as_deref(),
            valid_from: (!counts).then_some(valid_from),
            valid_until: (!counts).then_some(valid_until),
            credential,
        });
    }
    let mut output = Output::text("");
    for line in [Some(code), next_code].into_iter().flatten() {
        output.text.push_str(&line);
        output.text.push('\n');
    }
    Ok(output)
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
    ];
    options.extend(flags.into_iter().filter(|(_, given)| *given).map(|(key, given)| (key, given.into())));
    options
}

/// What the daemon will wait for, one after the other.
fn phases(arguments: &CodeArguments, tree: &Tree, credential: &Credential, timeout: Duration) -> Vec<Phase> {
    let step = until_long_enough(credential, arguments.min_validity.unwrap_or_default());
    let step = step.map(|wait| Phase::new("Waiting for the next time step", wait));
    let token = touch(tree, credential, timeout).unwrap_or_else(|| {
        Phase::new(format!("Waiting for the token {}", tree.token_label(credential)), timeout)
    });
    step.into_iter().chain([token]).collect()
}

/// How long a touch is waited for, if the credential may want one.
pub(super) fn touch(tree: &Tree, credential: &Credential, timeout: Duration) -> Option<Phase> {
    let label = tree.token_label(credential);
    let text = match credential.touch_required.as_str() {
        "yes" => format!("Touch the token {label} now"),
        "unknown" => format!("Touch the token {label} if it blinks"),
        _ => return None,
    };
    let clock = SystemClock::new();
    Some(Phase::new(text, Deadline::after(timeout, &clock).touch(&clock)))
}

/// How long it is until a code would be valid for so many seconds; nothing if one is now.
pub(super) fn until_long_enough(credential: &Credential, seconds: u32) -> Option<Duration> {
    let period = Period::new(credential.period).ok()?;
    let now = SystemClock::new().unix_time();
    let left = Step::at(now, period).next().start(period).saturating_sub(now);
    (credential.kind != "hotp" && left < Duration::from_secs(seconds.into())).then_some(left)
}
