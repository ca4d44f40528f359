//! The state of logind, from its signals.

use zbus::message::Message;

use super::lock_requests::LockRequests;
use crate::signals::ServiceEvent;

/// The state from the signals of logind. A late reader misses steps, but never the current state.
#[derive(Clone, Debug, Default)]
pub(super) struct LogindState {
    pub(super) is_running: bool,
    /// Whether the bus has told if logind is running.
    pub(super) is_known: bool,
    /// Whether it has ever been, also on an earlier connection.
    pub(super) was_there: bool,
    /// The number of starts of logind.
    pub(super) starts: u64,
    pub(super) is_asleep: bool,
    /// The number of suspends, and of wake-ups.
    pub(super) suspends: u64,
    pub(super) wakes: u64,
    /// The sessions that were requested to lock.
    pub(super) lock_requests: LockRequests,
}

impl LogindState {
    /// The state before the first signal, with what an earlier connection has told.
    pub(super) fn of(lock_requests: LockRequests, was_there: bool) -> Self {
        Self { lock_requests, was_there, ..Self::default() }
    }

    /// Applies an event; false if it changes nothing.
    pub(super) fn apply(&mut self, event: ServiceEvent<'_>) -> bool {
        if let ServiceEvent::Signal(signal) = event {
            return self.apply_signal(signal);
        }
        self.is_known = true;
        match event {
            ServiceEvent::Signal(_) => {}
            ServiceEvent::Arrived => {
                self.starts += 1;
                (self.is_running, self.was_there) = (true, true);
            }
            ServiceEvent::Left => {
                tracing::debug!("logind has left the bus");
                self.is_running = false;
            }
        }
        // The new logind will not report the end of an earlier suspend.
        if self.is_asleep {
            self.wake();
        }
        true
    }

    fn apply_signal(&mut self, signal: &Message) -> bool {
        match signal.header().member().map(|member| member.as_str()) {
            Some("PrepareForSleep") => match signal.body().deserialize() {
                Ok(true) => {
                    self.suspends += 1;
                    self.is_asleep = true;
                }
                Ok(false) => self.wake(),
                Err(_) => return false,
            },
            Some("Lock" | "Unlock" | "PropertiesChanged" | "SessionNew" | "SessionRemoved") => {
                self.lock_requests.apply(signal);
            }
            _ => return false,
        }
        true
    }

    fn wake(&mut self) {
        self.wakes += 1;
        self.is_asleep = false;
    }
}
