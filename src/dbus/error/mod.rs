//! The one table of errors: every name, and the sentence that says what happened and what to do next.

mod calls;
mod cognito;
mod config;
mod flows;
mod token;

use std::fmt;
use std::time::Duration;

use zbus::message::{Header, Message};
use zbus::names::ErrorName;

use super::names;

/// An error reply: a name of the contract and one sentence, and nothing else in its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    name: &'static str,
    sentence: String,
    retry: Option<Retry>,
}

/// The time of a new attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Retry {
    /// At this Unix time.
    At(Duration),
    /// This time from now.
    After(Duration),
}

impl Error {
    fn ours(name: &'static str, sentence: impl Into<String>) -> Self {
        Self { name, sentence: sentence.into(), retry: None }
    }

    fn retry(self, retry: Retry) -> Self {
        Self { retry: Some(retry), ..self }
    }

    /// An argument is invalid; `why` is a whole sentence without its full stop.
    pub fn invalid(why: impl fmt::Display) -> Self {
        Self::ours("org.freedesktop.DBus.Error.InvalidArgs", format!("{why}."))
    }

    /// The daemon itself has a fault.
    pub fn internal() -> Self {
        Self::ours(
            "Internal",
            "The daemon has a fault; check its journal with journalctl --user -u oathbridge and restart it with systemctl --user restart oathbridge.",
        )
    }

    /// The full name.
    pub fn full_name(&self) -> String {
        if self.name.starts_with("org.") {
            self.name.to_owned()
        } else {
            format!("{}{}", names::ERROR, self.name)
        }
    }

    /// The last part of the name, such as `Malformed`.
    pub fn last_part(&self) -> &str {
        self.name.rsplit('.').next().unwrap_or_default()
    }

    /// Whether the caller may not do this.
    pub fn is_denial(&self) -> bool {
        self.name == "AccessDenied"
    }

    /// Whether the request was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.name == "Cancelled"
    }

    /// The Unix time at which a new attempt may succeed, if it is known.
    pub fn retry_at(&self, now: Duration) -> Option<Duration> {
        self.retry.map(|retry| match retry {
            Retry::At(time) => time,
            Retry::After(wait) => now.saturating_add(wait),
        })
    }

    /// The sentence.
    pub fn sentence(&self) -> &str {
        &self.sentence
    }
}

impl zbus::DBusError for Error {
    fn create_reply(&self, call: &Header<'_>) -> zbus::Result<Message> {
        Message::error(call, self.name()).build(&self.sentence)
    }

    fn name(&self) -> ErrorName<'_> {
        ErrorName::from_string_unchecked(self.full_name())
    }

    fn description(&self) -> Option<&str> {
        Some(&self.sentence)
    }
}

/// A sentence of a library layer with a capital first letter, for the bus.
pub(in crate::dbus) fn capital(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
