//! The failure of a command: a sentence for the user, an exit code for scripts.

use std::fmt::Display;

use zbus::DBusError;

use super::{exit, wording};
use crate::text::escape_invisible;

/// The failure of a command. It contains no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The exit code, one of [`super::exit`].
    pub code: u8,
    sentence: String,
    /// Choices or advice, printed one per line.
    lines: Vec<String>,
}

impl Failure {
    pub(super) fn new(code: u8, sentence: impl Into<String>) -> Self {
        Self { code, sentence: sentence.into(), lines: Vec::new() }
    }

    pub(super) fn usage(sentence: impl Into<String>) -> Self {
        Self::new(exit::USAGE, sentence)
    }

    pub(super) fn failed(what: &str, why: impl Display) -> Self {
        Self::new(exit::FAILED, format!("{what} failed ({why}); try again."))
    }

    pub(super) fn with_lines(mut self, lines: impl IntoIterator<Item = String>) -> Self {
        self.lines.extend(lines);
        self
    }

    /// The sentence with the failure and the next step, not escaped.
    pub(super) fn sentence(&self) -> &str {
        &self.sentence
    }

    /// The printed text, escaped for a terminal, without the final line break.
    pub fn text(&self) -> String {
        let mut text = format!("oathbridgectl: {}", escape_invisible(&self.sentence));
        for line in &self.lines {
            text.push_str("\n  ");
            text.push_str(&escape_invisible(line));
        }
        text
    }

    pub(super) fn silent_daemon() -> Self {
        Self::new(
            exit::UNREACHABLE,
            "The daemon does not answer; run oathbridgectl status, and restart the daemon with systemctl --user restart oathbridge.",
        )
    }
}

impl From<zbus::Error> for Failure {
    fn from(error: zbus::Error) -> Self {
        match &error {
            zbus::Error::MethodError(name, sentence, _) => {
                of_reply(name.as_str(), sentence.as_deref().unwrap_or_default())
            }
            zbus::Error::FDO(error) => {
                of_reply(error.name().as_str(), error.description().unwrap_or_default())
            }
            _ => Self::new(
                exit::UNREACHABLE,
                format!(
                    "The session bus is not usable ({error}); log in to a desktop session and try again."
                ),
            ),
        }
    }
}

impl From<zbus::fdo::Error> for Failure {
    fn from(error: zbus::fdo::Error) -> Self {
        match error {
            zbus::fdo::Error::ZBus(error) => error.into(),
            error => of_reply(error.name().as_str(), error.description().unwrap_or_default()),
        }
    }
}

fn of_reply(name: &str, sentence: &str) -> Failure {
    match name.strip_prefix("org.freedesktop.DBus.Error.").unwrap_or_default() {
        "ServiceUnknown" | "NameHasNoOwner" => Failure::new(
            exit::UNREACHABLE,
            "The daemon is not running; start it with systemctl --user start oathbridge.",
        ),
        "NoReply" | "TimedOut" | "Timeout" | "Disconnected" => Failure::silent_daemon(),
        "UnknownMethod" | "UnknownInterface" => Failure::new(
            exit::FAILED,
            "The running daemon has another version than oathbridgectl and does not support this; restart it with systemctl --user restart oathbridge.",
        ),
        _ if sentence.is_empty() => Failure::new(
            exit::of_error(name),
            format!(
                "The daemon failed with {name}; run oathbridgectl status, and check the journal with journalctl --user -u oathbridge."
            ),
        ),
        _ => Failure::new(exit::of_error(name), wording::of_reply(name, sentence)),
    }
}
