//! The counts of running calls and recent requests.

use std::collections::HashMap;
use std::time::Duration;

use super::rates::{Quota, Rate, Rates};
use super::{CallClass, Refusal};
use crate::config;

/// The number of records above which idle ones are dropped.
pub(super) const MAX_IDLE_RECORDS: usize = 256;

/// The maximum number of reloads of a program per minute.
const RELOADS_PER_MINUTE: u32 = 60;

/// The number of denied calls of a connection per minute after which further calls are refused without a check.
const DENIALS_PER_MINUTE: u32 = 60;

#[derive(Debug)]
pub(super) struct Counts {
    pub(super) config: config::Limits,
    pub(super) all: Record,
    /// The programs, by their identities.
    pub(super) programs: HashMap<String, Record>,
}

/// The running calls and the rates.
#[derive(Debug, Default)]
pub(super) struct Record {
    pub(super) calls: u32,
    /// The number of running queries and securing calls.
    pub(super) queries: u32,
    pub(super) rates: Rates,
}

/// The running calls and the rates of one connection, and its program once it is known.
#[derive(Debug, Default)]
pub(super) struct Own {
    pub(super) record: Record,
    pub(super) program: Option<String>,
}

impl Counts {
    pub(super) fn check_connection(&self, record: &Record, class: CallClass) -> Result<(), Refusal> {
        busy_if(match class {
            CallClass::Query | CallClass::Secure => record.queries >= self.config.queries_per_client,
            _ => record.calls >= self.config.calls_per_client,
        })
    }

    pub(super) fn check_room(&self, program: Option<&str>, class: CallClass) -> Result<(), Refusal> {
        let calls = program.and_then(|program| self.programs.get(program)).map_or(0, |program| program.calls);
        busy_if(match class {
            CallClass::Secure => false,
            CallClass::Query => self.all.queries >= self.config.queries,
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
            program.rates.check(rate, self.quota(rate), now)?;
        }
        self.all.rates.check(rate, self.quota_of_all(rate), now)
    }

    pub(super) fn count_query(
        &mut self,
        rates: &mut Rates,
        class: CallClass,
        now: Duration,
    ) -> Result<(), Refusal> {
        let (rate, own) = (Rate::Queries, self.quota(Rate::Queries));
        let all = if class == CallClass::Secure { None } else { self.quota_of_all(rate) };
        self.all.rates.check(rate, all, now)?;
        rates.check(rate, own, now)?;
        rates.count(rate, own, now);
        self.all.rates.count(rate, all, now);
        Ok(())
    }

    /// The quota of one program or one connection.
    pub(super) fn quota(&self, rate: Rate) -> Option<Quota> {
        Some(match rate {
            Rate::Codes => Quota::per_minute(self.config.codes_per_minute),
            Rate::Submissions => Quota::per_minute(self.config.submissions_per_minute),
            Rate::Unlocks => Quota::per_minute(self.config.unlocks_per_minute),
            Rate::Reloads => Quota::per_minute(RELOADS_PER_MINUTE),
            Rate::Queries => Quota::per_second(self.config.queries_per_second),
            Rate::Denials => Quota::per_minute(DENIALS_PER_MINUTE),
        })
    }

    pub(super) fn quota_of_all(&self, rate: Rate) -> Option<Quota> {
        match rate {
            Rate::Codes => Some(Quota::per_minute(self.config.all_codes_per_minute)),
            Rate::Submissions => Some(Quota::per_minute(self.config.all_submissions_per_minute)),
            Rate::Queries => Some(Quota::per_second(self.config.all_queries_per_second)),
            Rate::Unlocks | Rate::Reloads | Rate::Denials => None,
        }
    }

    pub(super) fn program(&mut self, name: &str, now: Duration) -> &mut Record {
        if self.programs.len() >= MAX_IDLE_RECORDS && !self.programs.contains_key(name) {
            self.programs.retain(|_, program| !program.is_idle(now));
        }
        self.programs.entry(name.to_owned()).or_default()
    }
}

impl Record {
    pub(super) fn begin(&mut self, class: CallClass) {
        *self.count(class) += 1;
    }

    pub(super) fn end(&mut self, class: CallClass) {
        let count = self.count(class);
        *count = count.saturating_sub(1);
    }

    pub(super) fn count(&mut self, class: CallClass) -> &mut u32 {
        match class {
            CallClass::Query | CallClass::Secure => &mut self.queries,
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
