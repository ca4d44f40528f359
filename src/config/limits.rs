//! `[limits]`: the limits of one client, one program and all programs.

use serde::Deserialize;
use serde::de::Deserializer;

use super::error::{Error, Problem};
use super::layers::Layers;
use super::value::integer;

/// The limits of calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Simultaneous calls of one client.
    #[serde(deserialize_with = "at_once")]
    pub calls_per_client: u32,
    /// Simultaneous calls of one program, with any number of clients.
    #[serde(deserialize_with = "at_once")]
    pub calls_per_program: u32,
    /// Simultaneous calls of all clients.
    #[serde(deserialize_with = "at_once")]
    pub calls: u32,
    /// Simultaneous queries of one client, and of one program: short calls such as reading properties. As many calls of one
    /// client may lock or cancel, and more of a program, counted apart.
    #[serde(deserialize_with = "at_once")]
    pub queries_per_client: u32,
    /// Simultaneous queries of all clients.
    #[serde(deserialize_with = "at_once")]
    pub queries: u32,
    /// Queries of one client or one program per second; they may arrive at once. As many calls of one client may lock or
    /// cancel, and more of a program, counted apart.
    #[serde(deserialize_with = "rate")]
    pub queries_per_second: u32,
    /// Queries of all clients per second.
    #[serde(deserialize_with = "rate")]
    pub all_queries_per_second: u32,
    /// Codes of one program per minute.
    #[serde(deserialize_with = "rate")]
    pub codes_per_minute: u32,
    /// Codes of all programs per minute.
    #[serde(deserialize_with = "rate")]
    pub all_codes_per_minute: u32,
    /// Submissions of one program per minute.
    #[serde(deserialize_with = "rate")]
    pub submissions_per_minute: u32,
    /// Submissions of all programs per minute.
    #[serde(deserialize_with = "rate")]
    pub all_submissions_per_minute: u32,
    /// Passwords that one program may try per minute.
    #[serde(deserialize_with = "rate")]
    pub unlocks_per_minute: u32,
    /// The maximum length of a message, in KiB.
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
    /// Raises a limit of all programs to that of one program, unless it is set in the file.
    pub(super) fn complete(&mut self, layers: &Layers<'_>) {
        let is_set = |key| layers.has(&["limits", key]);
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

    /// The limits that [`Limits::complete`] may raise, by their keys.
    pub(super) fn derived(&self) -> [(&'static str, u32); 5] {
        [
            ("all_queries_per_second", self.all_queries_per_second),
            ("all_codes_per_minute", self.all_codes_per_minute),
            ("all_submissions_per_minute", self.all_submissions_per_minute),
            ("calls", self.calls),
            ("calls_per_program", self.calls_per_program),
        ]
    }

    /// The errors of limits of one that are higher than those of all.
    pub(super) fn errors(&self, layers: &Layers<'_>) -> Vec<Error> {
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
        let wrong = pairs.iter().filter(|(_, one, _, all)| one > all);
        wrong.map(|(one, _, all, _)| layers.error(&["limits"], Problem::LargerThan(one, all))).collect()
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
