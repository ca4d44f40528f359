//! How often: calls at once, for each client and in all, and requests in a time, for each program and in all.
//!
//! What is under way is counted by connection, since a connection ends and takes with it what it has under way. What
//! was had is counted by program: who connects anew for each request is the same program. Queries are counted by
//! connection alone, since most are answered before anybody asks who calls.

mod rates;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Clock;
use crate::config;
use rates::{Allowance, Rates};

/// When there are more records than this, those that nothing is to be known of are dropped.
const MANY: usize = 256;

/// What a call is, for the limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// It gets a code.
    Code,
    /// It has a code submitted.
    Submission,
    /// It tries a password.
    Unlock,
    /// It looks, locks or cancels: soon over, and open to those who have too much of the rest under way.
    Query,
    /// Something else.
    Other,
}

/// Why a call is not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Too many at once.
    Busy,
    /// Too many in the last minute.
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

#[derive(Debug)]
struct Counts {
    config: config::Limits,
    under_way: UnderWay,
    /// By unique name.
    clients: HashMap<String, Client>,
    /// By what they are recognised by.
    programs: HashMap<String, Rates>,
    all: Rates,
}

/// How much is being served.
#[derive(Clone, Copy, Debug, Default)]
struct UnderWay {
    calls: u32,
    queries: u32,
}

#[derive(Debug, Default)]
struct Client {
    under_way: UnderWay,
    /// What is counted by connection.
    rates: Rates,
    /// Which program it is, once that is known.
    program: Option<String>,
}

impl Limits {
    /// Nobody has called yet.
    pub fn new(config: config::Limits, clock: Arc<dyn Clock>) -> Self {
        let counts = Counts {
            config,
            under_way: UnderWay::default(),
            clients: HashMap::new(),
            programs: HashMap::new(),
            all: Rates::default(),
        };
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

    /// Lets a call in, until the ticket is dropped.
    ///
    /// # Errors
    ///
    /// [`Refusal::Busy`], at once.
    pub fn admit(&self, client: &str, what: What) -> Result<Ticket, Refusal> {
        let (mut counts, now) = (self.counts(), self.clock.monotonic());
        counts.check_room(client, what)?;
        counts.under_way.add(what);
        counts.client(client, now).under_way.add(what);
        Ok(Ticket { counts: Arc::clone(&self.counts), client: client.to_owned(), what })
    }

    /// A call has arrived: whether it is refused as things stand. Queries are counted here against their rates, the
    /// rest where it begins. Cheap enough for each message of a flood.
    ///
    /// # Errors
    ///
    /// Any [`Refusal`].
    pub fn arrive(&self, client: &str, what: What) -> Result<(), Refusal> {
        let (mut counts, now) = (self.counts(), self.clock.monotonic());
        counts.check_room(client, what)?;
        if what == What::Query {
            return counts.count_query(client, now);
        }
        let program = counts.clients.get(client).and_then(|client| client.program.as_deref());
        counts.check_rates(program.unwrap_or_default(), what, now)
    }

    /// How many queries of one client, and of all, may be under way at once.
    pub fn queries(&self) -> (usize, usize) {
        let counts = self.counts();
        let number = |number| usize::try_from(number).unwrap_or(usize::MAX);
        (number(counts.config.queries_per_client), number(counts.config.queries))
    }

    /// Counts a request that makes sense against the rates of the program that makes it, and of all.
    ///
    /// # Errors
    ///
    /// [`Refusal::RateLimited`], at once; the request doesn't count then.
    pub fn spend(&self, client: &str, program: &str, what: What) -> Result<(), Refusal> {
        let (mut counts, now) = (self.counts(), self.clock.monotonic());
        let record = counts.client(client, now);
        if record.program.as_deref() != Some(program) {
            record.program = Some(program.to_owned());
        }
        counts.check_rates(program, what, now)?;
        let (own, all) = (counts.of_one(), counts.of_all());
        counts.all.count(all, what, now);
        counts.program(program, now).count(own, what, now);
        Ok(())
    }

    /// Counts a request that is denied against the rates of its program alone: one that asks for ever is soon refused
    /// without being looked at, and takes nothing from the others.
    pub fn deny(&self, client: &str, program: &str, what: What) {
        let (mut counts, now) = (self.counts(), self.clock.monotonic());
        counts.client(client, now).program = Some(program.to_owned());
        let own = counts.of_one();
        counts.program(program, now).count(own, what, now);
    }

    /// This client has left.
    pub fn forget(&self, client: &str) {
        let mut counts = self.counts();
        // Calls of it that still run are counted until they end.
        if counts.clients.get(client).is_some_and(|client| client.under_way.is_nothing()) {
            counts.clients.remove(client);
        }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        lock(&self.counts)
    }
}

impl Counts {
    fn check_room(&self, client: &str, what: What) -> Result<(), Refusal> {
        let own = self.clients.get(client).map_or_else(UnderWay::default, |client| client.under_way);
        let config = &self.config;
        let is_full = match what {
            What::Query => {
                own.queries >= config.queries_per_client || self.under_way.queries >= config.queries
            }
            _ => own.calls >= config.calls_per_client || self.under_way.calls >= config.calls,
        };
        if is_full { Err(Refusal::Busy) } else { Ok(()) }
    }

    fn check_rates(&self, program: &str, what: What, now: Duration) -> Result<(), Refusal> {
        if let Some(rates) = self.programs.get(program) {
            rates.check(self.of_one(), what, now)?;
        }
        self.all.check(self.of_all(), what, now)
    }

    fn count_query(&mut self, client: &str, now: Duration) -> Result<(), Refusal> {
        let (own, all) = (self.of_one(), self.of_all());
        self.all.check(all, What::Query, now)?;
        let rates = &mut self.client(client, now).rates;
        rates.check(own, What::Query, now)?;
        rates.count(own, What::Query, now);
        self.all.count(all, What::Query, now);
        Ok(())
    }

    fn of_one(&self) -> Allowance {
        let config = &self.config;
        Allowance {
            codes_per_minute: Some(config.codes_per_minute),
            submissions_per_minute: Some(config.submissions_per_minute),
            unlocks_per_minute: Some(config.unlocks_per_minute),
            queries_per_second: Some(config.queries_per_second),
        }
    }

    fn of_all(&self) -> Allowance {
        let config = &self.config;
        // What one program may have, all of them may.
        Allowance {
            codes_per_minute: Some(config.all_codes_per_minute.max(config.codes_per_minute)),
            submissions_per_minute: Some(
                config.all_submissions_per_minute.max(config.submissions_per_minute),
            ),
            unlocks_per_minute: None,
            queries_per_second: Some(config.all_queries_per_second.max(config.queries_per_second)),
        }
    }

    fn client(&mut self, name: &str, now: Duration) -> &mut Client {
        if self.clients.len() >= MANY && !self.clients.contains_key(name) {
            self.clients.retain(|_, client| !client.under_way.is_nothing() || !client.rates.is_idle(now));
        }
        self.clients.entry(name.to_owned()).or_default()
    }

    fn program(&mut self, name: &str, now: Duration) -> &mut Rates {
        if self.programs.len() >= MANY && !self.programs.contains_key(name) {
            self.programs.retain(|_, rates| !rates.is_idle(now));
        }
        self.programs.entry(name.to_owned()).or_default()
    }
}

impl UnderWay {
    fn add(&mut self, what: What) {
        *self.count(what) += 1;
    }

    fn remove(&mut self, what: What) {
        let count = self.count(what);
        *count = count.saturating_sub(1);
    }

    fn count(&mut self, what: What) -> &mut u32 {
        if what == What::Query { &mut self.queries } else { &mut self.calls }
    }

    fn is_nothing(self) -> bool {
        self.calls == 0 && self.queries == 0
    }
}

/// A call that was let in.
#[derive(Debug)]
pub struct Ticket {
    counts: Arc<Mutex<Counts>>,
    client: String,
    what: What,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut counts = lock(&self.counts);
        counts.under_way.remove(self.what);
        if let Some(client) = counts.clients.get_mut(&self.client) {
            client.under_way.remove(self.what);
        }
    }
}

fn lock(counts: &Mutex<Counts>) -> MutexGuard<'_, Counts> {
    counts.lock().unwrap_or_else(PoisonError::into_inner)
}
