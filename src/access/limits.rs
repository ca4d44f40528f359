//! How often: calls at once, and calls a minute, for each client and in all.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::config;

const MINUTE: Duration = Duration::from_secs(60);

/// When more clients than this have a record, those that nothing is to be known of are dropped.
const MANY: usize = 256;

/// What a call is, for the limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// It gets a code.
    Code,
    /// It has a code submitted.
    Submission,
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
#[derive(Clone, Debug, Default)]
pub struct Limits {
    counts: Arc<Mutex<Counts>>,
}

#[derive(Debug, Default)]
struct Counts {
    calls: u32,
    clients: HashMap<String, Client>,
}

#[derive(Debug, Default)]
struct Client {
    calls: u32,
    codes: Bucket,
    submissions: Bucket,
}

/// A bucket that leaks evenly: as much as a minute allows may come at once, and then one at a time.
#[derive(Debug, Default)]
struct Bucket {
    /// When it will be empty, by monotonic time.
    empty: Duration,
}

impl Limits {
    /// Lets a call in, until the ticket is dropped. `now` is monotonic time.
    ///
    /// # Errors
    ///
    /// [`Refusal::Busy`], at once.
    pub fn admit(&self, limits: &config::Limits, client: &str, now: Duration) -> Result<Ticket, Refusal> {
        let mut counts = self.counts();
        if counts.calls >= limits.calls {
            return Err(Refusal::Busy);
        }
        let record = counts.record(client, now)?;
        if record.calls >= limits.calls_per_client {
            return Err(Refusal::Busy);
        }
        record.calls += 1;
        counts.calls += 1;
        Ok(Ticket { counts: Arc::clone(&self.counts), client: client.to_owned() })
    }

    /// Whether a call would be refused as things stand; nothing is counted. Cheap enough to be asked of each message of
    /// a flood.
    pub fn refuses(
        &self,
        limits: &config::Limits,
        client: &str,
        what: What,
        now: Duration,
    ) -> Option<Refusal> {
        let counts = self.counts();
        let record = counts.clients.get(client);
        if counts.calls >= limits.calls
            || record.is_some_and(|record| record.calls >= limits.calls_per_client)
        {
            return Some(Refusal::Busy);
        }
        match what {
            What::Code => record?.codes.filled(limits.codes_per_minute, now).err(),
            What::Submission => record?.submissions.filled(limits.submissions_per_minute, now).err(),
            What::Other => None,
        }
    }

    /// Counts a request that makes sense against the rates.
    ///
    /// # Errors
    ///
    /// [`Refusal::RateLimited`], at once; the request doesn't count then.
    pub fn spend(
        &self,
        limits: &config::Limits,
        client: &str,
        what: What,
        now: Duration,
    ) -> Result<(), Refusal> {
        let mut counts = self.counts();
        let record = counts.record(client, now)?;
        match what {
            What::Code => record.codes.pour(limits.codes_per_minute, now),
            What::Submission => record.submissions.pour(limits.submissions_per_minute, now),
            What::Other => Ok(()),
        }
    }

    /// This client has left.
    pub fn forget(&self, client: &str) {
        let mut counts = self.counts();
        // Calls of it that still run are counted until they end.
        if counts.clients.get(client).is_some_and(|client| client.calls == 0) {
            counts.clients.remove(client);
        }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    fn record(&mut self, client: &str, now: Duration) -> Result<&mut Client, Refusal> {
        // Most calls are of those who have a record.
        if !self.clients.contains_key(client) {
            if self.clients.len() >= MANY {
                self.clients.retain(|_, client| !client.is_idle(now));
            }
            self.clients.insert(client.to_owned(), Client::default());
        }
        self.clients.get_mut(client).ok_or(Refusal::Busy)
    }
}

impl Client {
    fn is_idle(&self, now: Duration) -> bool {
        self.calls == 0 && self.codes.empty <= now && self.submissions.empty <= now
    }
}

impl Bucket {
    fn pour(&mut self, per_minute: u32, now: Duration) -> Result<(), Refusal> {
        self.empty = self.filled(per_minute, now)?;
        Ok(())
    }

    /// When it would be empty after one more.
    fn filled(&self, per_minute: u32, now: Duration) -> Result<Duration, Refusal> {
        let filled = self.empty.max(now) + MINUTE / per_minute.max(1);
        match filled.checked_sub(now + MINUTE).filter(|wait| !wait.is_zero()) {
            Some(wait) => Err(Refusal::RateLimited { wait }),
            None => Ok(filled),
        }
    }
}

/// A call that was let in.
#[derive(Debug)]
pub struct Ticket {
    counts: Arc<Mutex<Counts>>,
    client: String,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.calls = counts.calls.saturating_sub(1);
        if let Some(client) = counts.clients.get_mut(&self.client) {
            client.calls = client.calls.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1_000);

    #[test]
    fn calls_at_once_are_limited_for_one_and_for_all() {
        let config = config::Limits { calls_per_client: 2, calls: 3, ..config::Limits::default() };
        let limits = Limits::default();
        let admit = |client| limits.admit(&config, client, NOW);
        let tickets = [admit("a").unwrap(), admit("a").unwrap()];
        assert_eq!(admit("a").unwrap_err(), Refusal::Busy);
        let third = admit("b").unwrap();
        assert_eq!(admit("c").unwrap_err(), Refusal::Busy);
        drop(tickets);
        let _again = (admit("a").unwrap(), admit("c").unwrap());
        drop(third);
        assert!(admit("b").is_ok());
    }

    #[test]
    fn a_minute_s_worth_may_come_at_once_and_then_one_at_a_time() {
        let config = config::Limits { submissions_per_minute: 10, ..config::Limits::default() };
        let limits = Limits::default();
        let admit = |client, now| limits.spend(&config, client, What::Submission, now);
        for _ in 0..10 {
            admit("a", NOW).unwrap();
        }
        let wait = Duration::from_secs(6);
        assert_eq!(admit("a", NOW), Err(Refusal::RateLimited { wait }));
        assert_eq!(admit("b", NOW), Ok(()));
        assert!(limits.spend(&config, "a", What::Code, NOW).is_ok(), "each kind has its own limit");
        assert_eq!(admit("a", NOW + wait), Ok(()));
        assert_eq!(admit("a", NOW + wait), Err(Refusal::RateLimited { wait }));
    }

    #[test]
    fn clients_that_come_and_go_leave_nothing_behind() {
        let limits = Limits::default();
        let config = config::Limits::default();
        for number in 0..10_000_u64 {
            let now = NOW + Duration::from_secs(number);
            limits.spend(&config, &format!(":1.{number}"), What::Code, now).unwrap();
        }
        assert!(limits.counts().clients.len() <= MANY + 1);
        let _ticket = limits.admit(&config, ":1.7", NOW).unwrap();
        limits.forget(":1.7");
        assert!(limits.counts().clients.contains_key(":1.7"), "a running call is counted");
    }
}
