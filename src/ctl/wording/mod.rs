//! The tool's own sentences for the errors of the daemon, and words for its properties, which are for programs on the
//! bus.

mod arguments;
mod options;
mod ours;
mod service;
pub mod words;

use std::time::Duration;

pub(super) use service::{MASKED, NO_UNIT, is_masked};

use super::asked::{Asked, Details};
use crate::dbus::names;

/// The sentence for an error reply. `name` is its full name, `sentence` that of the daemon, and `now` Unix time.
pub(super) fn of_reply(
    name: &str,
    sentence: &str,
    asked: &Asked,
    details: &Details,
    now: Duration,
) -> String {
    let own = match name.strip_prefix(names::ERROR) {
        Some(error) => ours::sentence(error, sentence, asked, details, now),
        None if name == "org.freedesktop.DBus.Error.InvalidArgs" => arguments::sentence(sentence, asked),
        None => service::sentence(name, sentence),
    };
    own.unwrap_or_else(|| match sentence {
        "" => format!(
            "The daemon failed with {name}; run `oathbridgectl status`, and check the journal with `journalctl --user -u oathbridge`."
        ),
        sentence => options::with_own_options(sentence),
    })
}
