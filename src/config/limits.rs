//! `[limits]`: how much one client, and all of them, may ask for.

use super::error::{Error, Problem};
use super::section::Section;
use super::value::integer;

/// How much may be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Calls of one client that are served at once.
    pub calls_per_client: u32,
    /// Calls of one program that are served at once, however many clients it is.
    pub calls_per_program: u32,
    /// Calls of all clients that are served at once.
    pub calls: u32,
    /// The same for what is soon over: looking, locking, cancelling.
    pub queries_per_client: u32,
    /// The same of all clients.
    pub queries: u32,
    /// Queries of one client in a second; that much may come at once.
    pub queries_per_second: u32,
    /// The same of all clients.
    pub all_queries_per_second: u32,
    /// Codes that one program may get in a minute.
    pub codes_per_minute: u32,
    /// Codes that all programs may get in a minute.
    pub all_codes_per_minute: u32,
    /// Requests of one program to submit codes in a minute.
    pub submissions_per_minute: u32,
    /// Requests of all programs to submit codes in a minute.
    pub all_submissions_per_minute: u32,
    /// Passwords that one program may try in a minute.
    pub unlocks_per_minute: u32,
    /// The longest message that is served, in KiB.
    pub message_kib: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            calls_per_client: 8,
            calls_per_program: 32,
            calls: 64,
            queries_per_client: 128,
            queries: 256,
            queries_per_second: 128,
            all_queries_per_second: 256,
            codes_per_minute: 300,
            all_codes_per_minute: 1_200,
            submissions_per_minute: 10,
            all_submissions_per_minute: 40,
            unlocks_per_minute: 10,
            message_kib: 64,
        }
    }
}

impl Limits {
    pub(super) const SECTION: &str = "limits";
    pub(super) const KEYS: &[&str] = &[
        "calls_per_client",
        "calls_per_program",
        "calls",
        "queries_per_client",
        "queries",
        "queries_per_second",
        "all_queries_per_second",
        "codes_per_minute",
        "all_codes_per_minute",
        "submissions_per_minute",
        "all_submissions_per_minute",
        "unlocks_per_minute",
        "message_kib",
    ];

    pub(super) fn read(section: &Section<'_>) -> Result<Self, Error> {
        let default = Self::default();
        let number = |key, shape, range, default| {
            section.get(key, shape, |value| integer(value, range)).map(|set| set.unwrap_or(default))
        };
        let at_once = |key, default| number(key, "a number from 1 to 1024", 1..=1024, default);
        let rate = |key, default| number(key, "a number from 1 to 1000000", 1..=1_000_000, default);
        // What one may have, all may have, unless it is said that they may not.
        let rates = |one, default_of_one, all, default_of_all: u32| {
            let one = rate(one, default_of_one)?;
            Ok::<_, Error>((one, rate(all, default_of_all.max(one))?))
        };
        let queries = rates(
            "queries_per_second",
            default.queries_per_second,
            "all_queries_per_second",
            default.all_queries_per_second,
        )?;
        let codes = rates(
            "codes_per_minute",
            default.codes_per_minute,
            "all_codes_per_minute",
            default.all_codes_per_minute,
        )?;
        let submissions = rates(
            "submissions_per_minute",
            default.submissions_per_minute,
            "all_submissions_per_minute",
            default.all_submissions_per_minute,
        )?;
        let calls_per_client = at_once("calls_per_client", default.calls_per_client)?;
        let calls = at_once("calls", default.calls.max(calls_per_client))?;
        let per_program = default.calls_per_program.max(calls_per_client).min(calls);
        let limits = Self {
            calls_per_client,
            calls_per_program: at_once("calls_per_program", per_program)?,
            calls,
            queries_per_client: at_once("queries_per_client", default.queries_per_client)?,
            queries: at_once("queries", default.queries)?,
            queries_per_second: queries.0,
            all_queries_per_second: queries.1,
            codes_per_minute: codes.0,
            all_codes_per_minute: codes.1,
            submissions_per_minute: submissions.0,
            all_submissions_per_minute: submissions.1,
            unlocks_per_minute: rate("unlocks_per_minute", default.unlocks_per_minute)?,
            message_kib: number("message_kib", "a number from 16 to 1024", 16..=1024, default.message_kib)?,
        };
        limits.check(section)?;
        Ok(limits)
    }

    /// One can't have more than all.
    fn check(&self, section: &Section<'_>) -> Result<(), Error> {
        let pairs = [
            ("calls_per_client", self.calls_per_client, "calls", self.calls),
            ("calls_per_client", self.calls_per_client, "calls_per_program", self.calls_per_program),
            ("calls_per_program", self.calls_per_program, "calls", self.calls),
            ("queries_per_client", self.queries_per_client, "queries", self.queries),
            (
                "queries_per_second",
                self.queries_per_second,
                "all_queries_per_second",
                self.all_queries_per_second,
            ),
            ("codes_per_minute", self.codes_per_minute, "all_codes_per_minute", self.all_codes_per_minute),
            (
                "submissions_per_minute",
                self.submissions_per_minute,
                "all_submissions_per_minute",
                self.all_submissions_per_minute,
            ),
        ];
        match pairs.iter().find(|(_, one, _, all)| one > all) {
            Some((one, _, all, _)) => Err(section.error(Problem::LargerThan(one, all))),
            None => Ok(()),
        }
    }
}
