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
use counts::{Client, Counts, Record};
use rates::{Leak, Rate};

/// So many denials in a minute are written into the journal.
const DENIALS_WRITTEN: u32 = 300;

/// What a call is, for the limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
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

/// Who calls how often; clones share it.
#[derive(Clone, Debug)]
pub struct Limits {
    counts: Arc<Mutex<Counts>>,
    clock: Arc<dyn Clock>,
}

impl Limits {
    /// Nobody has called yet.
    pub fn new(config: config::Limits, clock: Arc<dyn Clock>) -> Self {
        let (clients, programs) = (HashMap::new(), HashMap::new());
        let counts = Counts { config, all: Record::default(), clients, programs };
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
    pub fn arrive(&self, client: &str, what: What) -> Result<(), Refusal> {
        let (mut counts, now) = (self.counts(), self.clock.monotonic());
        counts.check_connection(client, what)?;
        let program = counts.clients.get(client).and_then(|client| client.program.clone());
        counts.check_room(program.as_deref(), what)?;
        if let Some(Client { record, .. }) = counts.clients.get(client) {
            record.rates.check(Rate::Denials, counts.leak(Rate::Denials), now)?;
        }
        match Rate::of(what) {
            Some(rate) => counts.check_rates(program.as_deref(), rate, now),
            None => counts.count_query(client, what, now),
        }
    }

    /// Lets a call in as far as its connection is concerned, until the ticket is dropped.
    ///
    /// # Errors
    ///
    /// [`Refusal::Busy`], at once.
    pub fn admit(&self, client: &str, what: What) -> Result<Ticket, Refusal> {
        let (mut counts, now) = (self.counts(), self.clock.monotonic());
        counts.check_connection(client, what)?;
        counts.client(client, now).record.begin(what);
        let client = client.to_owned();
        Ok(Ticket { limits: self.clone(), client, what, has_entered: false, program: None })
    }

    /// Counts a request that makes sense against the rates of the program that makes it, and of all.
    ///
    /// # Errors
    ///
    /// [`Refusal::RateLimited`], at once; the request doesn't count then.
    pub fn spend(&self, program: &str, what: What) -> Result<(), Refusal> {
        let Some(rate) = Rate::of(what) else { return Ok(()) };
        let (mut counts, now) = (self.counts(), self.clock.monotonic());
        counts.check_rates(Some(program), rate, now)?;
        let (one, all) = (counts.leak(rate), counts.leak_of_all(rate));
        counts.all.rates.count(rate, all, now);
        counts.program(program, now).rates.count(rate, one, now);
        Ok(())
    }

    /// A call was denied. A connection that goes on and on is soon refused unseen. Says whether the journal is to hear
    /// of it: not of so many that it would lose what others did.
    pub fn deny(&self, client: &str) -> bool {
        let (mut counts, now) = (self.counts(), self.clock.monotonic());
        let written = Some(Leak::per_minute(DENIALS_WRITTEN));
        let own = counts.leak(Rate::Denials);
        counts.client(client, now).record.rates.count(Rate::Denials, own, now);
        let is_heard = counts.all.rates.check(Rate::Denials, written, now).is_ok();
        counts.all.rates.count(Rate::Denials, written, now);
        is_heard
    }

    /// This client has left.
    pub fn forget(&self, client: &str) {
        let mut counts = self.counts();
        // Calls of it that still run are counted until they end.
        if counts.clients.get(client).is_some_and(|client| client.record.is_free()) {
            counts.clients.remove(client);
        }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call that was let in.
#[derive(Debug)]
pub struct Ticket {
    limits: Limits,
    client: String,
    what: What,
    /// It counts for more than its connection.
    has_entered: bool,
    program: Option<String>,
}

impl Ticket {
    /// Lets the call in as far as its program, if it was recognised, and all others are concerned.
    ///
    /// # Errors
    ///
    /// [`Refusal::Busy`], at once.
    pub fn enter(&mut self, program: Option<&str>) -> Result<(), Refusal> {
        let now = self.limits.clock.monotonic();
        let mut counts = self.limits.counts();
        counts.check_room(program, self.what)?;
        if let Some(program) = program {
            counts.client(&self.client, now).program = Some(program.to_owned());
            counts.program(program, now).begin(self.what);
        }
        if self.what != What::Secure {
            counts.all.begin(self.what);
        }
        (self.has_entered, self.program) = (true, program.map(str::to_owned));
        Ok(())
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut counts = self.limits.counts();
        if let Some(client) = counts.clients.get_mut(&self.client) {
            client.record.end(self.what);
        }
        if let Some(program) = self.program.as_ref().and_then(|name| counts.programs.get_mut(name)) {
            program.end(self.what);
        }
        if self.has_entered && self.what != What::Secure {
            counts.all.end(self.what);
        }
    }
}
