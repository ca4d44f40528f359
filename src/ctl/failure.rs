//! The failure of a command: a sentence for the user, an exit code for scripts.

use std::fmt::Display;
use std::io;

use serde::Serialize;
use zbus::DBusError;

use super::asked::{Asked, Details};
use super::{exit, local_time, wording};
use crate::clock::{Clock, SystemClock};
use crate::dbus::{names, required_touch_sentence};
use crate::text::escape_invisible;

/// The failure of a command. It contains no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The exit code, one of [`super::exit`].
    pub code: u8,
    sentence: String,
    /// Choices or advice, printed one per line.
    lines: Vec<String>,
    /// The error reply of the daemon, if it is one.
    reply: Option<Box<Reply>>,
}

/// An error reply.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Reply {
    /// The full name.
    name: String,
    sentence: String,
    details: Details,
}

/// The output of `--json` for a failure.
#[derive(Serialize)]
struct Json<'failure> {
    error: ErrorJson<'failure>,
}

#[derive(Serialize)]
struct ErrorJson<'failure> {
    /// The name in the D-Bus API without its prefix; null if the failure is not an error of the daemon.
    name: Option<&'failure str>,
    message: &'failure str,
    choices: &'failure [String],
    exit_status: u8,
    aws_code: Option<&'failure str>,
    request_id: Option<&'failure str>,
    /// Unix seconds.
    retry_at: Option<u64>,
}

impl Failure {
    pub(super) fn new(code: u8, sentence: impl Into<String>) -> Self {
        Self { code, sentence: sentence.into(), lines: Vec::new(), reply: None }
    }

    pub(super) fn usage(sentence: impl Into<String>) -> Self {
        Self::new(exit::USAGE, sentence)
    }

    /// The failure for a configuration that is not usable; `error` has the file, the line and what is wrong.
    pub(super) fn of_config(code: u8, error: &impl Display) -> Self {
        let error = error.to_string();
        let end = if error.ends_with('?') { "" } else { "." };
        Self::new(code, format!("Correct the configuration: {error}{end}"))
    }

    pub(super) fn failed(what: &str, why: impl Display) -> Self {
        let why = without_number(&why.to_string());
        Self::new(exit::FAILED, format!("{what} failed ({why}); try again."))
    }

    /// The failure of a call of the system.
    pub(super) fn of_system(what: &str, error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::new(exit::FAILED, "The disk is full; free some space and try again.")
            }
            _ => Self::failed(what, error),
        }
    }

    pub(super) fn with_lines(mut self, lines: impl IntoIterator<Item = String>) -> Self {
        self.lines.extend(lines);
        self
    }

    /// The same failure, of one of several things.
    pub(super) fn about(self, name: &str) -> Self {
        Self { sentence: format!("{name}: {}", self.sentence), ..self }
    }

    /// Whether this is an error of the daemon.
    pub(super) fn is_reply(&self) -> bool {
        self.reply.is_some()
    }

    /// Whether the policy of the administrator refused a code because its credential requires no touch.
    pub(super) fn is_of_required_touch(&self) -> bool {
        self.reply.as_ref().is_some_and(|reply| reply.sentence == required_touch_sentence())
    }

    /// The sentence for what the user asked, if this is an error of the daemon.
    pub(super) fn explained(self, asked: &Asked, details: &Details) -> Self {
        match &self.reply {
            Some(reply) => Self::of_error(&reply.name, &reply.sentence, asked, details),
            None => self,
        }
    }

    /// The failure for an error reply with this full name and this sentence of the daemon.
    pub fn of_error(name: &str, sentence: &str, asked: &Asked, details: &Details) -> Self {
        if let "NoReply" | "TimedOut" | "Timeout" | "Disconnected" = standard(name) {
            return Self::silent_daemon();
        }
        let now = SystemClock::new().unix_time();
        let own = wording::of_reply(name, sentence, asked, details, now);
        let code = if wording::is_masked(name, sentence) { exit::UNREACHABLE } else { exit::of_error(name) };
        let mut failure = Self::new(code, own);
        let (name, sentence, details) = (name.to_owned(), sentence.to_owned(), details.clone());
        failure.reply = Some(Box::new(Reply { name, sentence, details }));
        failure
    }

    /// The sentence with the failure and the next step, not escaped.
    pub(super) fn sentence(&self) -> &str {
        &self.sentence
    }

    /// The printed text, escaped for a terminal, without the final line break.
    pub fn text(&self) -> String {
        let mut text = format!("oathbridgectl: {}", escape_invisible(&self.sentence));
        let details = self.reply.as_ref().map(|reply| reply.detail_lines()).unwrap_or_default();
        for line in self.lines.iter().chain(&details) {
            text.push_str("\n  ");
            text.push_str(&escape_invisible(line));
        }
        text
    }

    /// The output of `--json`, with a final line break.
    pub fn json(&self) -> String {
        serde_json::to_string_pretty(&self.object()).map(|text| text + "\n").unwrap_or_default()
    }

    /// The same on one line, with a final line break.
    pub(super) fn json_line(&self) -> String {
        serde_json::to_string(&self.object()).map(|text| text + "\n").unwrap_or_default()
    }

    fn object(&self) -> Json<'_> {
        let reply = self.reply.as_deref();
        let details = reply.map(|reply| &reply.details);
        let error = ErrorJson {
            name: reply.and_then(|reply| reply.name.strip_prefix(names::ERROR)),
            message: &self.sentence,
            choices: &self.lines,
            exit_status: self.code,
            aws_code: details.and_then(|details| details.aws_code.as_deref()),
            request_id: details.and_then(|details| details.request_id.as_deref()),
            retry_at: details.and_then(|details| details.retry_at),
        };
        Json { error }
    }

    pub(super) fn silent_daemon() -> Self {
        Self::new(
            exit::UNREACHABLE,
            "The daemon does not answer; run `oathbridgectl status`, and restart the daemon with `systemctl --user restart oathbridge`.",
        )
    }
}

impl Reply {
    /// What Cognito's administrator or its support may ask for.
    fn detail_lines(&self) -> Vec<String> {
        if !self.name.starts_with(&format!("{}Cognito.", names::ERROR)) {
            return Vec::new();
        }
        let Details { aws_code, request_id, retry_at } = &self.details;
        let retry = retry_at.map(|at| local_time::until(at, SystemClock::new().unix_time()));
        let values = [("Cognito's error code", aws_code), ("request id", request_id), ("try again", &retry)];
        let line = |(key, value): (&str, &Option<String>)| Some(format!("{key}: {}", value.as_ref()?));
        values.into_iter().filter_map(line).collect()
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
                    "The session bus is not usable ({}); log in to a desktop session and try again, or see what is wrong with `oathbridgectl status`.",
                    without_number(&error.to_string())
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
    Failure::of_error(name, sentence, &Asked::default(), &Details::default())
}

/// The last part of a standard name.
fn standard(name: &str) -> &str {
    name.strip_prefix("org.freedesktop.DBus.Error.").unwrap_or_default()
}

/// The text of an error of the system without ` (os error N)`.
pub(super) fn without_number(text: &str) -> String {
    match text.split_once(" (os error ") {
        Some((before, rest)) => {
            let after = rest.split_once(')').map_or("", |(_, after)| after);
            format!("{before}{after}")
        }
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_system_are_told_without_numbers() {
        let full = io::Error::from_raw_os_error(28);
        assert_eq!(
            Failure::of_system("Writing", &full).sentence,
            "The disk is full; free some space and try again."
        );
        let other = Failure::of_system("Writing", &io::Error::from_raw_os_error(5));
        assert_eq!(other.sentence, "Writing failed (Input/output error); try again.");
        assert_eq!(without_number("a (os error 2): b"), "a: b");
    }

    #[test]
    fn an_error_of_cognito_has_its_details_as_lines_and_as_json() {
        let details = Details {
            aws_code: Some("CodeMismatchException".to_owned()),
            request_id: Some("7b0b7a3e".to_owned()),
            retry_at: Some(1_800_000_000),
        };
        let name = "io.github.oathbridge.OathBridge1.Error.Cognito.CodeMismatch";
        let failure = Failure::of_error(name, "It failed; try again.", &Asked::default(), &details);
        let text = failure.text();
        assert!(
            text.contains(
                "\n  Cognito's error code: CodeMismatchException\n  request id: 7b0b7a3e\n  try again: in "
            ),
            "{text}"
        );
        let json: serde_json::Value = serde_json::from_str(&failure.json()).unwrap();
        let error = &json["error"];
        assert_eq!(
            (error["name"].as_str(), error["exit_status"].as_u64()),
            (Some("Cognito.CodeMismatch"), Some(8))
        );
        assert_eq!(
            (error["aws_code"].as_str(), error["retry_at"].as_u64()),
            (Some("CodeMismatchException"), Some(1_800_000_000))
        );
    }
}
