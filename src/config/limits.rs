//! `[limits]`: how much one client, and all of them, may ask for.

use super::error::{Error, Problem};
use super::section::Section;
use super::value::integer;

/// How much may be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Calls of one client that are served at once.
    pub calls_per_client: u32,
    /// Calls of all clients that are served at once.
    pub calls: u32,
    /// Codes that one client may get in a minute.
    pub codes_per_minute: u32,
    /// Requests of one client to submit codes in a minute.
    pub submissions_per_minute: u32,
    /// The longest message that is served, in KiB.
    pub message_kib: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            calls_per_client: 8,
            calls: 64,
            codes_per_minute: 300,
            submissions_per_minute: 10,
            message_kib: 64,
        }
    }
}

impl Limits {
    pub(super) const SECTION: &str = "limits";
    pub(super) const KEYS: &[&str] =
        &["calls_per_client", "calls", "codes_per_minute", "submissions_per_minute", "message_kib"];

    pub(super) fn read(section: &Section<'_>) -> Result<Self, Error> {
        let default = Self::default();
        let number = |key, shape, range, default| {
            section.get(key, shape, |value| integer(value, range)).map(|set| set.unwrap_or(default))
        };
        let calls = "a number from 1 to 1024";
        let rate = "a number from 1 to 1000000";
        let limits = Self {
            calls_per_client: number("calls_per_client", calls, 1..=1024, default.calls_per_client)?,
            calls: number("calls", calls, 1..=1024, default.calls)?,
            codes_per_minute: number("codes_per_minute", rate, 1..=1_000_000, default.codes_per_minute)?,
            submissions_per_minute: number(
                "submissions_per_minute",
                rate,
                1..=1_000_000,
                default.submissions_per_minute,
            )?,
            message_kib: number("message_kib", "a number from 16 to 1024", 16..=1024, default.message_kib)?,
        };
        if limits.calls_per_client > limits.calls {
            return Err(section.error(Problem::CallsPerClient));
        }
        Ok(limits)
    }
}
