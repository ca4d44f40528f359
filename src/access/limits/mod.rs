//! How often: calls at once, and requests in a time, for each connection, each program and in all.
//!
//! Until a caller is recognised it can only use up what its connection has. Then its program counts: who connects anew
//! for each request is the same program. Queries are mostly answered before anybody asks who calls, so of them
//! connections count, and what secures (locking, cancelling) uses up nothing that others need.

mod counts;
mod rates;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Clock;
use crate::config;
use counts::{Counts, Own, Record};
use rates::{Quota, Rate};

/// So many denials in a minute are written into the journal.
const DENIALS_WRITTEN: u32 = 300;

/// The class of a call, for the limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallClass {
    /// It gets a code.
    Code,
    /// It has a code submitted.
    Submission,
    /// It tries a password.
    Unlock,
    /// It has the configuration and all tokens read again.
    Reload,
    /// It looks, and is soon over.
    Query,
    /// It locks or cancels: never refused because of what others do.
    Secure,
}

/// Why a call is not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Too many at once.
    Busy,
    /// Too many lately.
    RateLimited {
        /// When the next one would be served.
        wait: Duration,
    },
}

/// What one connection to the bus has under way and had lately.
#[derive(Debug, Default)]
pub struct ConnectionCounts(Mutex<Own>);

/// The limits for programs and for all, and what counts against them; clones share it.
#[derive(Clone, Debug)]
pub struct Limits {
    counts: Arc<Mutex<Counts>>,
    clock: Arc<dyn Clock>,
}

impl Limits {
    /// Nobody has called yet.
    pub fn new(config: config::Limits, clock: Arc<dyn Clock>) -> Self {
        let counts = Counts { config, all: Record::default(), programs: HashMap::new() };
        Self { counts: Arc::new(Mutex::new(counts)), clock }
    }

    /// From now on these limits hold.
    pub fn set(&self, config: config::Limits) {
        self.counts().config = config;
    }

    /// The longest message that is served, in bytes.
    pub fn longest_message(&self) -> usize {
        usize::try_from(self.counts().config.message_kib).unwrap_or(usize::MAX).saturating_mul(1024)
    }

    /// A call has arrived: whether it is refused as things stand. What looks or secures is counted here against its
    /// rates, the rest where it begins. Cheap enough for each message of a flood.
    ///
    /// # Errors
    ///
    /// Any [`Refusal`].
    pub fn arrive(&self, connection: &ConnectionCounts, class: CallClass) -> Result<(), Refusal> {
        let (mut own, mut counts, now) = (connection.own(), self.counts(), self.clock.monotonic());
        counts.check_connection(&own.record, class)?;
        counts.check_room(own.program.as_deref(), class)?;
        own.record.rates.check(Rate::Denials, counts.quota(Rate::Denials), now)?;
        match Rate::of(class) {
            Some(rate) => counts.check_rates(own.program.as_deref(), rate, now),
            None => counts.count_query(&mut own.record.rates, class, now),
        }
    }

    /// Lets a call in as far as its connection is concerned, until the permit is dropped.
    ///
    /// # Errors
    ///
    /// [`Refusal::Busy`], at once.
    pub fn admit(&self, connection: &Arc<ConnectionCounts>, class: CallClass) -> Result<Permit, Refusal> {
        let mut own = connection.own();
        self.counts().check_connection(&own.record, class)?;
        own.record.begin(class);
        drop(own);
        let connection = Arc::clone(connection);
        Ok(Permit { limits: self.clone(), connection, class, has_entered: false, program: None })
    }

    /// Counts a request that makes sense against the rates of the program that makes it, and of all.
    ///
    /// # Errors
    ///
    /// [`Refusal::RateLimited`], at once; the request doesn't count then.
    pub fn charge(&self, program: &str, class: CallClass) -> Result<(), Refusal> {
        let Some(rate) = Rate::of(class) else { return Ok(()) };
        let (mut counts, now) = (self.counts(), self.clock.monotonic());
        counts.check_rates(Some(program), rate, now)?;
        let (one, all) = (counts.quota(rate), counts.quota_of_all(rate));
        counts.all.rates.count(rate, all, now);
        counts.program(program, now).rates.count(rate, one, now);
        Ok(())
    }

    /// A call was denied. A connection that goes on and on is soon refused unseen. Says whether the journal is to hear
    /// of it: not of so many that it would lose what others did.
    pub fn deny(&self, connection: &ConnectionCounts) -> bool {
        let (mut own, mut counts, now) = (connection.own(), self.counts(), self.clock.monotonic());
        own.record.rates.count(Rate::Denials, counts.quota(Rate::Denials), now);
        let written = Some(Quota::per_minute(DENIALS_WRITTEN));
        let is_heard = counts.all.rates.check(Rate::Denials, written, now).is_ok();
        counts.all.rates.count(Rate::Denials, written, now);
        is_heard
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ConnectionCounts {
    fn own(&self) -> MutexGuard<'_, Own> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call that was let in.
#[derive(Debug)]
pub struct Permit {
    limits: Limits,
    connection: Arc<ConnectionCounts>,
    class: CallClass,
    /// It counts for more than its connection.
    has_entered: bool,
    program: Option<String>,
}

impl Permit {
    /// Lets the call in as far as its program, if it was recognised, and all others are concerned.
    ///
    /// # Errors
    ///
    /// [`Refusal::Busy`], at once.
    pub fn enter(&mut self, program: Option<&str>) -> Result<(), Refusal> {
        let now = self.limits.clock.monotonic();
        let (mut own, mut counts) = (self.connection.own(), self.limits.counts());
        counts.check_room(program, self.class)?;
        if let Some(program) = program {
            own.program = Some(program.to_owned());
            counts.program(program, now).begin(self.class);
        }
        if self.class != CallClass::Secure {
            counts.all.begin(self.class);
        }
        (self.has_entered, self.program) = (true, program.map(str::to_owned));
        Ok(())
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.connection.own().record.end(self.class);
        let mut counts = self.limits.counts();
        if let Some(program) = self.program.as_ref().and_then(|name| counts.programs.get_mut(name)) {
            program.end(self.class);
        }
        if self.has_entered && self.class != CallClass::Secure {
            counts.all.end(self.class);
        }
    }
}
