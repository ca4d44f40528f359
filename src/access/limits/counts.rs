//! The counts themselves.

use std::collections::HashMap;
use std::time::Duration;

use super::rates::{Leak, Rate, Rates};
use super::{Refusal, What};
use crate::config;

/// When there are more records than this, those that nothing is to be known of are dropped.
pub(super) const MANY: usize = 256;

/// A program has no reason to have the configuration read more often than this in a minute.
const RELOADS: u32 = 60;

/// After so many denied calls of a connection in a minute the next ones are refused unseen.
const DENIALS: u32 = 60;

#[derive(Debug)]
pub(super) struct Counts {
    pub(super) config: config::Limits,
    pub(super) all: Record,
    /// By unique name.
    pub(super) clients: HashMap<String, Client>,
    /// By what they are recognised by.
    pub(super) programs: HashMap<String, Record>,
}

/// What is under way, and what was had.
#[derive(Debug, Default)]
pub(super) struct Record {
    pub(super) calls: u32,
    /// What looks or secures.
    pub(super) queries: u32,
    pub(super) rates: Rates,
}

#[derive(Debug, Default)]
pub(super) struct Client {
    pub(super) record: Record,
    /// Which program it is, once that is known.
    pub(super) program: Option<String>,
}

impl Counts {
    pub(super) fn check_connection(&self, client: &str, what: What) -> Result<(), Refusal> {
        let Some(Client { record, .. }) = self.clients.get(client) else { return Ok(()) };
        busy_if(match what {
            What::Query | What::Secure => record.queries >= self.config.queries_per_client,
            _ => record.calls >= self.config.calls_per_client,
        })
    }

    pub(super) fn check_room(&self, program: Option<&str>, what: What) -> Result<(), Refusal> {
        let calls = program.and_then(|program| self.programs.get(program)).map_or(0, |program| program.calls);
        busy_if(match what {
            What::Secure => false,
            What::Query => self.all.queries >= self.config.queries,
            _ => calls >= self.config.calls_per_program || self.all.calls >= self.config.calls,
        })
    }

    pub(super) fn check_rates(
        &self,
        program: Option<&str>,
        rate: Rate,
        now: Duration,
    ) -> Result<(), Refusal> {
        if let Some(program) = program.and_then(|program| self.programs.get(program)) {
            program.rates.check(rate, self.leak(rate), now)?;
        }
        self.all.rates.check(rate, self.leak_of_all(rate), now)
    }

    pub(super) fn count_query(&mut self, client: &str, what: What, now: Duration) -> Result<(), Refusal> {
        let (rate, own) = (Rate::Queries, self.leak(Rate::Queries));
        let all = if what == What::Secure { None } else { self.leak_of_all(rate) };
        self.all.rates.check(rate, all, now)?;
        let rates = &mut self.client(client, now).record.rates;
        rates.check(rate, own, now)?;
        rates.count(rate, own, now);
        self.all.rates.count(rate, all, now);
        Ok(())
    }

    /// For one program, or one connection.
    pub(super) fn leak(&self, rate: Rate) -> Option<Leak> {
        Some(match rate {
            Rate::Codes => Leak::per_minute(self.config.codes_per_minute),
            Rate::Submissions => Leak::per_minute(self.config.submissions_per_minute),
            Rate::Unlocks => Leak::per_minute(self.config.unlocks_per_minute),
            Rate::Reloads => Leak::per_minute(RELOADS),
            Rate::Queries => Leak::per_second(self.config.queries_per_second),
            Rate::Denials => Leak::per_minute(DENIALS),
        })
    }

    pub(super) fn leak_of_all(&self, rate: Rate) -> Option<Leak> {
        match rate {
            Rate::Codes => Some(Leak::per_minute(self.config.all_codes_per_minute)),
            Rate::Submissions => Some(Leak::per_minute(self.config.all_submissions_per_minute)),
            Rate::Queries => Some(Leak::per_second(self.config.all_queries_per_second)),
            Rate::Unlocks | Rate::Reloads | Rate::Denials => None,
        }
    }

    pub(super) fn client(&mut self, name: &str, now: Duration) -> &mut Client {
        if self.clients.len() >= MANY && !self.clients.contains_key(name) {
            self.clients.retain(|_, client| !client.record.is_idle(now));
        }
        self.clients.entry(name.to_owned()).or_default()
    }

    pub(super) fn program(&mut self, name: &str, now: Duration) -> &mut Record {
        if self.programs.len() >= MANY && !self.programs.contains_key(name) {
            self.programs.retain(|_, program| !program.is_idle(now));
        }
        self.programs.entry(name.to_owned()).or_default()
    }
}

impl Record {
    pub(super) fn begin(&mut self, what: What) {
        *self.count(what) += 1;
    }

    pub(super) fn end(&mut self, what: What) {
        let count = self.count(what);
        *count = count.saturating_sub(1);
    }

    pub(super) fn count(&mut self, what: What) -> &mut u32 {
        match what {
            What::Query | What::Secure => &mut self.queries,
            _ => &mut self.calls,
        }
    }

    pub(super) fn is_free(&self) -> bool {
        self.calls == 0 && self.queries == 0
    }

    pub(super) fn is_idle(&self, now: Duration) -> bool {
        self.is_free() && self.rates.is_idle(now)
    }
}

fn busy_if(is_full: bool) -> Result<(), Refusal> {
    if is_full { Err(Refusal::Busy) } else { Ok(()) }
}
