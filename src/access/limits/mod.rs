//! Limits: simultaneous calls and rates of requests, for each connection, each program and all programs.
//!
//! Every message counts when it arrives, whatever its content, for its connection and for its program, however many
//! connections that has. Connections that are not identified yet count together like one program. A message that waits
//! until its connection is identified counts for its program after that.
//!
//! Securing calls (`Lock`, `LockAll`, `Cancel`) have shares of their own, of a connection and of a program, and none of
//! all programs. So no other call uses up theirs, and they use up nothing of other programs.

mod charged;
mod counts;
mod rates;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use crate::clock::Clock;
use crate::config;
use crate::sync::IgnorePoison;
pub use charged::Charged;
use counts::{Counts, Own, Record};
use rates::{Quota, Rate};

/// The maximum number of denials per minute that are logged.
const LOGGED_DENIALS_PER_MINUTE: u32 = 300;

/// The class of a call, for the limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallClass {
    /// It returns a code.
    Code,
    /// It submits a code.
    Submission,
    /// It tries a password.
    Unlock,
    /// It changes the credentials of a token.
    Change,
    /// It reloads the configuration and all tokens.
    Reload,
    /// It is a short query.
    Query,
    /// It locks or cancels. From an identified connection, it is never refused because of calls of another kind or of
    /// other programs.
    Secure,
}

/// The reason why a call is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There are too many calls at once.
    Busy,
    /// There were too many calls recently.
    RateLimited {
        /// The time until the next call is allowed.
        wait: Duration,
        /// The limit.
        allowed: Allowed,
    },
}

/// A limit over time, as configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// The number of requests in the time.
    pub count: u32,
    /// `minute` or `second`.
    pub time: &'static str,
    /// What it limits, such as `calls of this kind`.
    pub what: &'static str,
}

/// The running calls and the rates of one connection.
#[derive(Debug, Default)]
pub struct ConnectionCounts(Mutex<Own>);

/// The limits for programs and for all, and their counts. Clones share them.
#[derive(Clone, Debug)]
pub struct Limits {
    counts: Arc<Mutex<Counts>>,
    clock: Arc<dyn Clock>,
}

impl Limits {
    /// Limits without any counted call.
    pub fn new(config: config::Limits, clock: Arc<dyn Clock>) -> Self {
        let counts = Counts { config, all: Record::default(), programs: HashMap::new() };
        Self { counts: Arc::new(Mutex::new(counts)), clock }
    }

    /// Replaces the limits.
    pub fn set(&self, config: config::Limits) {
        self.counts().config = config;
    }

    /// The maximum length of a message, in bytes.
    pub fn longest_message(&self) -> usize {
        usize::try_from(self.counts().config.message_kib).unwrap_or(usize::MAX).saturating_mul(1024)
    }

    /// Counts a message that has arrived, and checks whether it may go on. Codes, submissions, unlocks and reloads count
    /// against their own rates later, when their arguments are valid. This is cheap enough for each message of a flood.
    ///
    /// # Errors
    ///
    /// Any [`Refusal`].
    pub fn arrive(&self, connection: &ConnectionCounts, class: CallClass) -> Result<(), Refusal> {
        let (mut own, mut counts, now) = (connection.own(), self.counts(), self.clock.monotonic());
        counts.check_own(&own, class, now)?;
        counts.count_for_program(&own, class, now)?;
        counts.count_own(&mut own, class, now);
        counts.check_rest(&own, class, now)
    }

    /// Counts a message that has arrived and waits until its connection is identified, or behind messages that do: for the
    /// connection, and if that is not identified yet for what those connections share, as far as that has room.
    ///
    /// # Errors
    ///
    /// [`Refusal::RateLimited`] if the connection itself has sent too many.
    pub fn arrive_early(&self, connection: &ConnectionCounts, class: CallClass) -> Result<(), Refusal> {
        let (mut own, mut counts, now) = (connection.own(), self.counts(), self.clock.monotonic());
        counts.check_own(&own, class, now)?;
        counts.count_own(&mut own, class, now);
        if own.program.is_empty() {
            counts.count_for_program_if_possible(&own, class, now);
        }
        Ok(())
    }

    /// Counts a message that has waited for its program and all, and checks it like [`Limits::arrive`].
    ///
    /// # Errors
    ///
    /// Any [`Refusal`].
    pub fn go_on(&self, connection: &ConnectionCounts, class: CallClass) -> Result<(), Refusal> {
        let (own, mut counts, now) = (connection.own(), self.counts(), self.clock.monotonic());
        counts.count_for_program(&own, class, now)?;
        counts.check_rest(&own, class, now)
    }

    /// Whether a message would be refused only because the connections that are not identified yet have used up what
    /// they share, and this is one of them.
    pub fn waits_for_identity(&self, connection: &ConnectionCounts, class: CallClass) -> bool {
        let (own, counts, now) = (connection.own(), self.counts(), self.clock.monotonic());
        own.program.is_empty() && counts.is_shared_part_used(&own, class, now)
    }

    /// Records the program of a connection, which its messages count for from now on.
    pub fn know(&self, connection: &ConnectionCounts, program: &str) {
        connection.own().know(program);
    }

    /// Admits a call against the limits of its connection, until the permit is dropped.
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
        Ok(Permit { limits: self.clone(), connection, class, is_admitted: false, program: Arc::default() })
    }

    /// Counts a valid request against the rates of its program and of all programs. A submission counts when the result is
    /// dropped; until then it holds its share.
    ///
    /// # Errors
    ///
    /// [`Refusal::RateLimited`], at once; the request then does not count.
    pub fn charge(&self, program: &str, class: CallClass) -> Result<Option<Charged>, Refusal> {
        let Some(rate) = Rate::of(class) else { return Ok(None) };
        let program: Arc<str> = program.into();
        let (mut counts, now) = (self.counts(), self.clock.monotonic());
        counts.check_rates(&program, rate, now)?;
        if rate == Rate::Submissions {
            counts.check_rates(&program, Rate::Refused, now)?;
            counts.hold(&program, now);
            return Ok(Some(Charged::new(self.clone(), program, now)));
        }
        counts.count(&program, rate, now);
        Ok(None)
    }

    /// Counts a denied call; a connection with too many denials is refused without a check. Returns whether to log the denial;
    /// the number of logged denials is limited, so that the journal keeps other entries.
    pub fn deny(&self, connection: &ConnectionCounts, class: CallClass) -> bool {
        let (mut own, mut counts, now) = (connection.own(), self.counts(), self.clock.monotonic());
        let denials = Rate::of_denial(class);
        own.record.rates.count(denials, counts.quota(denials), now);
        let log_quota = Some(Quota::per_minute(LOGGED_DENIALS_PER_MINUTE));
        let is_logged = counts.all.rates.check(Rate::Denials, log_quota, now).is_ok();
        counts.all.rates.count(Rate::Denials, log_quota, now);
        is_logged
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().ignore_poison()
    }
}

impl ConnectionCounts {
    /// Whether the program of the connection is known.
    pub fn is_identified(&self) -> bool {
        !self.own().program.is_empty()
    }

    /// The program of the connection; empty until it is known.
    pub fn program(&self) -> Arc<str> {
        Arc::clone(&self.own().program)
    }

    fn own(&self) -> MutexGuard<'_, Own> {
        self.0.lock().ignore_poison()
    }
}

/// The permit of an admitted call.
#[derive(Debug)]
pub struct Permit {
    limits: Limits,
    connection: Arc<ConnectionCounts>,
    class: CallClass,
    /// Whether the call also counts for its program and for all programs.
    is_admitted: bool,
    program: Arc<str>,
}

impl Permit {
    /// Admits the call against the limits of its program and of all programs. Without a name the program is that of
    /// [`Limits::know`].
    ///
    /// # Errors
    ///
    /// [`Refusal::Busy`], at once.
    pub fn admit_program(&mut self, program: Option<&str>) -> Result<(), Refusal> {
        let now = self.limits.clock.monotonic();
        let (mut own, mut counts) = (self.connection.own(), self.limits.counts());
        program.into_iter().for_each(|program| own.know(program));
        counts.check_room(&own.program, self.class)?;
        counts.program(&own.program, now).begin(self.class);
        counts.all.begin(self.class);
        (self.is_admitted, self.program) = (true, Arc::clone(&own.program));
        Ok(())
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.connection.own().record.end(self.class);
        let mut counts = self.limits.counts();
        if self.is_admitted {
            if let Some(program) = counts.programs.get_mut(&self.program) {
                program.end(self.class);
            }
            counts.all.end(self.class);
        }
    }
}
