//! `oathbridgectl code`.

use std::time::Duration;

use serde::Serialize;
use zbus::Variant;

use super::arguments::CodeArguments;
use super::bus::{Bus, Options};
use super::follow::Follower;
use super::tree::Credential;
use super::{Failure, Output, query};

/// The output of `--json`.
#[derive(Serialize)]
struct Json<'reply> {
    code: &'reply str,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_code: Option<&'reply str>,
    /// Unix seconds; null for a counter-based credential.
    valid_from: Option<u64>,
    valid_until: Option<u64>,
    credential: &'reply Credential,
}

pub(super) async fn run(arguments: &CodeArguments, json: bool) -> Result<Output, Failure> {
    let bus = Bus::connect().await?;
    let tree = bus.tree().await?;
    let credential = query::credential(&tree, &arguments.query, arguments.token.as_deref())?;
    let timeout = Duration::from_secs(arguments.timeout.into());
    let follower = Follower::new(&bus, &tree, Some(credential), timeout).await?;
    let call = bus.calculate(&credential.path, options(arguments), timeout);
    let (code, valid_from, valid_until, mut extra) = follower.during(call).await?;
    let next_code = extra.remove("next-code").and_then(|next| String::try_from(next).ok());
    if json {
        let is_counter_based = valid_until == 0;
        return Output::json(&Json {
            code: &code,
            next_code: next_code.as_deref(),
            valid_from: (!is_counter_based).then_some(valid_from),
            valid_until: (!is_counter_based).then_some(valid_until),
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
        ("set-time", arguments.set_time),
    ];
    options.extend(flags.into_iter().filter(|(_, given)| *given).map(|(key, given)| (key, given.into())));
    Follower::add_handle(&mut options);
    options
}
