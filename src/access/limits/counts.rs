//! The counts of running calls and recent requests.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::rates::{Quota, Rate, Rates};
use super::{CallClass, Refusal};
use crate::config;

/// The number of records above which idle ones are dropped.
pub(super) const MAX_IDLE_RECORDS: usize = 256;

/// The maximum number of changes of tokens by a program per minute. A person may add a whole list of credentials.
const CHANGES_PER_MINUTE: u32 = 120;

/// The maximum number of reloads of a program per minute.
const RELOADS_PER_MINUTE: u32 = 60;

/// The number of denied calls of a connection per minute after which further calls are refused without a check.
const DENIALS_PER_MINUTE: u32 = 60;

/// The number of submissions per minute that the daemon refuses itself, of one program and of all. Each one looks for its
/// token and writes a line to the journal.
const REFUSED_PER_MINUTE: u32 = 60;
const ALL_REFUSED_PER_MINUTE: u32 = 240;

/// The number of securing calls of a program per second, and at once, if one connection may not have more of them.
const SECURING_OF_PROGRAM: u32 = 512;

#[derive(Debug)]
pub(super) struct Counts {
    pub(super) config: config::Limits,
    pub(super) all: Record,
    /// The programs, by their identities. Connections that are not identified yet share the one with the empty name.
    pub(super) programs: HashMap<Arc<str>, Record>,
}

/// The running calls and the rates.
#[derive(Debug, Default)]
pub(super) struct Record {
    pub(super) calls: u32,
    pub(super) queries: u32,
    /// The number of running calls that lock or cancel.
    pub(super) securing: u32,
    pub(super) rates: Rates,
}

/// The running calls and the rates of one connection, and its program; the name is empty until the program is known.
#[derive(Debug, Default)]
pub(super) struct Own {
    pub(super) record: Record,
    pub(super) program: Arc<str>,
}

impl Counts {
    pub(super) fn check_connection(&self, record: &Record, class: CallClass) -> Result<(), Refusal> {
        busy_if(match class {
            CallClass::Query => record.queries >= self.config.queries_per_client,
            CallClass::Secure => record.securing >= self.config.queries_per_client,
            _ => record.calls >= self.config.calls_per_client,
        })
    }

    pub(super) fn check_room(&self, program: &str, class: CallClass) -> Result<(), Refusal> {
        let at_work = |of: fn(&Record) -> u32| self.programs.get(program).map_or(0, of);
        let (calls, queries) = (at_work(|of| of.calls), at_work(|of| of.queries));
        busy_if(match class {
            CallClass::Secure => {
                at_work(|of| of.securing) >= SECURING_OF_PROGRAM.max(self.config.queries_per_client)
            }
            CallClass::Query => {
                queries >= self.config.queries_per_client || self.all.queries >= self.config.queries
            }
            _ => calls >= self.config.calls_per_program || self.all.calls >= self.config.calls,
        })
    }

    pub(super) fn check_rates(&self, program: &str, rate: Rate, now: Duration) -> Result<(), Refusal> {
        if let Some(program) = self.programs.get(program) {
            program.rates.check(rate, self.quota_of_program(rate), now)?;
        }
        self.all.rates.check(rate, self.quota_of_all(rate), now)
    }

    /// Counts a request of a program, for the program and for all.
    pub(super) fn count(&mut self, program: &Arc<str>, rate: Rate, now: Duration) {
        let (one, all) = (self.quota_of_program(rate), self.quota_of_all(rate));
        self.all.rates.count(rate, all, now);
        self.program(program, now).rates.count(rate, one, now);
    }

    /// Holds a share of the limits of submissions.
    pub(super) fn hold(&mut self, program: &Arc<str>, now: Duration) {
        self.all.rates.hold();
        self.program(program, now).rates.hold();
    }

    /// Releases such a share, and counts a submission that began at this time, if there is one.
    pub(super) fn release(&mut self, program: &Arc<str>, counted: Option<Duration>) {
        let (one, all) = (self.quota_of_program(Rate::Submissions), self.quota_of_all(Rate::Submissions));
        self.all.rates.release(all, counted);
        if let Some(program) = self.programs.get_mut(program) {
            program.rates.release(one, counted);
        }
    }

    /// Whether the program of a connection has no room for one more message, although the connection itself has.
    pub(super) fn is_shared_part_used(&self, own: &Own, class: CallClass, now: Duration) -> bool {
        let rate = Rate::of_arrival(class);
        let (own_quota, quota) = (self.quota(rate), self.quota_of_program(rate));
        let shared = self.programs.get(&own.program);
        own.record.rates.check(rate, own_quota, now).is_ok()
            && (shared.is_some_and(|shared| shared.rates.check(rate, quota, now).is_err())
                || self.check_room(&own.program, class).is_err())
    }

    /// Whether a connection may send one more message.
    pub(super) fn check_own(&self, own: &Own, class: CallClass, now: Duration) -> Result<(), Refusal> {
        let rate = Rate::of_arrival(class);
        own.record.rates.check(rate, self.quota(rate), now)
    }

    /// Counts a message for its connection.
    pub(super) fn count_own(&self, own: &mut Own, class: CallClass, now: Duration) {
        let rate = Rate::of_arrival(class);
        own.record.rates.count(rate, self.quota(rate), now);
    }

    /// Counts a message for its program only, as far as that has room.
    pub(super) fn count_for_program_if_possible(&mut self, own: &Own, class: CallClass, now: Duration) {
        let rate = Rate::of_arrival(class);
        let quota = self.quota_of_program(rate);
        self.program(&own.program, now).rates.count(rate, quota, now);
    }

    /// Checks the limits that a message does not count against when it arrives.
    pub(super) fn check_rest(&self, own: &Own, class: CallClass, now: Duration) -> Result<(), Refusal> {
        self.check_connection(&own.record, class)?;
        self.check_room(&own.program, class)?;
        let denials = Rate::of_denial(class);
        own.record.rates.check(denials, self.quota(denials), now)?;
        Rate::of(class).map_or(Ok(()), |rate| self.check_rates(&own.program, rate, now))
    }

    /// Counts a message for its program and all; a securing call has no limit of all.
    pub(super) fn count_for_program(
        &mut self,
        own: &Own,
        class: CallClass,
        now: Duration,
    ) -> Result<(), Refusal> {
        let rate = Rate::of_arrival(class);
        let (one, all) = (self.quota_of_program(rate), self.quota_of_all(rate));
        self.all.rates.check(rate, all, now)?;
        let program = &mut self.program(&own.program, now).rates;
        program.check(rate, one, now)?;
        program.count(rate, one, now);
        self.all.rates.count(rate, all, now);
        Ok(())
    }

    /// The quota of one program. Its share of securing calls is larger than that of a connection, so that one connection
    /// does not keep the others from locking.
    pub(super) fn quota_of_program(&self, rate: Rate) -> Option<Quota> {
        match rate {
            Rate::Securing => {
                Some(Quota::per_second(SECURING_OF_PROGRAM.max(self.config.queries_per_second)))
            }
            _ => self.quota(rate),
        }
    }

    /// The quota of one connection, and of one program unless that has another one.
    pub(super) fn quota(&self, rate: Rate) -> Option<Quota> {
        Some(match rate {
            // A program that may have so many codes at once may also ask for them.
            Rate::Calls => {
                let count = self.config.queries_per_second.max(self.config.codes_per_minute);
                Quota::per_second(count).of("calls")
            }
            Rate::Codes => Quota::per_minute(self.config.codes_per_minute),
            Rate::Submissions => Quota::per_minute(self.config.submissions_per_minute),
            Rate::Unlocks => Quota::per_minute(self.config.unlocks_per_minute),
            Rate::Changes => Quota::per_minute(CHANGES_PER_MINUTE),
            Rate::Reloads => Quota::per_minute(RELOADS_PER_MINUTE),
            Rate::Queries | Rate::Securing => Quota::per_second(self.config.queries_per_second),
            Rate::Denials | Rate::SecuringDenials => Quota::per_minute(DENIALS_PER_MINUTE).of("denied calls"),
            Rate::Refused => Quota::per_minute(REFUSED_PER_MINUTE).of("refused calls of this kind"),
        })
    }

    pub(super) fn quota_of_all(&self, rate: Rate) -> Option<Quota> {
        let quota = match rate {
            Rate::Calls => {
                let all = self.config.all_queries_per_second.max(self.config.all_codes_per_minute);
                Quota::per_second(all)
            }
            Rate::Codes => Quota::per_minute(self.config.all_codes_per_minute),
            Rate::Submissions => Quota::per_minute(self.config.all_submissions_per_minute),
            Rate::Queries => Quota::per_second(self.config.all_queries_per_second),
            Rate::Refused => Quota::per_minute(ALL_REFUSED_PER_MINUTE),
            Rate::Unlocks
            | Rate::Changes
            | Rate::Reloads
            | Rate::Securing
            | Rate::Denials
            | Rate::SecuringDenials => {
                return None;
            }
        };
        Some(quota.of("calls of this kind by all programs"))
    }

    pub(super) fn program(&mut self, name: &Arc<str>, now: Duration) -> &mut Record {
        if self.programs.len() >= MAX_IDLE_RECORDS && !self.programs.contains_key(name) {
            self.programs.retain(|_, program| !program.is_idle(now));
        }
        self.programs.entry(Arc::clone(name)).or_default()
    }
}

impl Own {
    /// Records the program, unless it is known already.
    pub(super) fn know(&mut self, program: &str) {
        if *self.program != *program {
            self.program = program.into();
        }
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
            CallClass::Query => &mut self.queries,
            CallClass::Secure => &mut self.securing,
            _ => &mut self.calls,
        }
    }

    pub(super) fn is_free(&self) -> bool {
        self.calls == 0 && self.queries == 0 && self.securing == 0
    }

    pub(super) fn is_idle(&self, now: Duration) -> bool {
        self.is_free() && self.rates.is_idle(now)
    }
}

fn busy_if(is_full: bool) -> Result<(), Refusal> {
    if is_full { Err(Refusal::Busy) } else { Ok(()) }
}
