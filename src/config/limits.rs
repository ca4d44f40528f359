//! `[limits]`: how much one client, and all of them, may ask for.

use serde::Deserialize;
use serde::de::Deserializer;

use super::document::Document;
use super::error::{Error, Problem};
use super::value::integer;

/// How much may be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Calls of one client that are served at once.
    #[serde(deserialize_with = "at_once")]
    pub calls_per_client: u32,
    /// Calls of one program that are served at once, however many clients it is.
    #[serde(deserialize_with = "at_once")]
    pub calls_per_program: u32,
    /// Calls of all clients that are served at once.
    #[serde(deserialize_with = "at_once")]
    pub calls: u32,
    /// The same for what is soon over: looking, locking, cancelling.
    #[serde(deserialize_with = "at_once")]
    pub queries_per_client: u32,
    /// The same of all clients.
    #[serde(deserialize_with = "at_once")]
    pub queries: u32,
    /// Queries of one client in a second; that much may come at once.
    #[serde(deserialize_with = "rate")]
    pub queries_per_second: u32,
    /// The same of all clients.
    #[serde(deserialize_with = "rate")]
    pub all_queries_per_second: u32,
    /// Codes that one program may get in a minute.
    #[serde(deserialize_with = "rate")]
    pub codes_per_minute: u32,
    /// Codes that all programs may get in a minute.
    #[serde(deserialize_with = "rate")]
    pub all_codes_per_minute: u32,
    /// Requests of one program to submit codes in a minute.
    #[serde(deserialize_with = "rate")]
    pub submissions_per_minute: u32,
    /// Requests of all programs to submit codes in a minute.
    #[serde(deserialize_with = "rate")]
    pub all_submissions_per_minute: u32,
    /// Passwords that one program may try in a minute.
    #[serde(deserialize_with = "rate")]
    pub unlocks_per_minute: u32,
    /// The longest message that is served, in KiB.
    #[serde(deserialize_with = "kib")]
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
    /// What one may have, all may have, unless it is said that they may not.
    pub(super) fn complete(&mut self, document: &Document<'_>) {
        let is_set = |key| document.has(&["limits", key]);
        let widen = |key, all: &mut u32, one: u32| {
            if !is_set(key) {
                *all = one.max(*all);
            }
        };
        widen("all_queries_per_second", &mut self.all_queries_per_second, self.queries_per_second);
        widen("all_codes_per_minute", &mut self.all_codes_per_minute, self.codes_per_minute);
        widen(
            "all_submissions_per_minute",
            &mut self.all_submissions_per_minute,
            self.submissions_per_minute,
        );
        widen("calls", &mut self.calls, self.calls_per_client);
        if !is_set("calls_per_program") {
            self.calls_per_program = self.calls_per_program.max(self.calls_per_client).min(self.calls);
        }
    }

    /// One can't have more than all.
    pub(super) fn check(&self, document: &Document<'_>) -> Result<(), Error> {
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
            Some((one, _, all, _)) => Err(document.error(&["limits"], Problem::LargerThan(one, all))),
            None => Ok(()),
        }
    }
}

fn at_once<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    integer(deserializer, "a number from 1 to 1024", 1..=1024)
}

fn rate<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    integer(deserializer, "a number from 1 to 1000000", 1..=1_000_000)
}

fn kib<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    integer(deserializer, "a number from 16 to 1024", 16..=1024)
}
