//! The monitor thread, which blocks in the service until a card is inserted or removed.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::denials::Denials;
use super::error::{problem, refusal};
use super::service::{Connection, Service};
use super::socket::{self, Backoff, Changes, Woken};
use super::watcher::{Next, Watcher};
use crate::device::{Presence, Problem};
use crate::transport::interrupt::Interrupt;

/// After a connection of this duration the service is assumed to work, and the backoff is reset.
const MIN_STABLE_CONNECTION: Duration = Duration::from_secs(5);

/// The maximum wait if no descriptor is left for interruptions.
const UNINTERRUPTIBLE_WAIT: Duration = Duration::from_millis(250);

/// Receives a report; returns `false` when the receiver has been dropped.
type Report<'r> = dyn FnMut(Presence) -> bool + 'r;

/// Watches the service and its readers.
pub(super) struct Monitor {
    ignore: Vec<String>,
    socket: PathBuf,
    interrupt: Interrupt,
}

/// The reason why the watch of a connection has ended.
enum Ended {
    /// It was stopped, or the receiver of reports was dropped.
    Done,
    /// There was none.
    Refused(pcsc::Error),
    Lost(pcsc::Error),
}

impl Monitor {
    pub(super) fn new(ignore: Vec<String>) -> Self {
        Self { ignore, socket: socket::path(), interrupt: Interrupt::new() }
    }

    pub(super) fn stop(&self) {
        self.interrupt.stop();
    }

    /// Scans the readers. Returns after the report of the scan, or after a timeout.
    pub(super) fn rescan(&self) {
        self.interrupt.request_scan();
    }

    /// Reports all attached devices until it is stopped or the receiver is dropped. Reconnects to the service.
    pub(super) fn run(&self, report: &mut Report<'_>) {
        let Some(_running) = self.interrupt.begin() else { return };
        let mut backoff = Backoff::new();
        let mut denials = Denials::default();
        let mut watcher = Watcher::new(self.ignore.clone());
        while !self.interrupt.is_stopping() {
            // Before the attempt, so that a start of the service right after the attempt is noticed.
            let changes = Changes::of(&self.socket);
            let requested = self.interrupt.requested();
            let started = Instant::now();
            let (error, problem) = match self.connection(&mut watcher, &mut denials, report) {
                Ended::Done => return,
                Ended::Refused(error) => (error, refusal(error, &self.socket)),
                Ended::Lost(error) => (error, problem(error)),
            };
            watcher.forget();
            tracing::debug!(%error, "no connection to the smart card service");
            if let Some(pause) = denials.pause(problem) {
                changes.wait(pause, self.interrupt.descriptor());
                continue;
            }
            if !report(Presence { devices: Vec::new(), problems: [problem].into() }) {
                return;
            }
            self.interrupt.complete(requested);
            if started.elapsed() >= MIN_STABLE_CONNECTION {
                backoff.reset();
                continue;
            }
            self.wait(&changes, problem, &mut backoff);
        }
    }

    fn wait(&self, changes: &Changes, problem: Problem, backoff: &mut Backoff) {
        let wake = self.interrupt.descriptor();
        let timeout = match problem {
            Problem::PcscDenied => Backoff::MAX_PAUSE,
            _ => backoff.next(),
        };
        let timeout = if wake.is_some() { timeout } else { UNINTERRUPTIBLE_WAIT };
        if changes.wait(timeout, wake) == Woken::Changed {
            backoff.reset();
        }
    }

    /// Connects to the service, and watches the readers until the connection ends.
    fn connection(&self, watcher: &mut Watcher, denials: &mut Denials, report: &mut Report<'_>) -> Ended {
        let mut connection = match Connection::open() {
            Ok(connection) => connection,
            Err(error) => return Ended::Refused(error),
        };
        let context = connection.context();
        // A cancellation is a connection of its own, which the service may refuse although it accepted the first one: a user
        // without an active session loses access in between. Another error means that the service has stopped, which ends
        // the wait as well.
        let cancel = move || context.cancel() != Err(pcsc::Error::SecurityViolation);
        self.interrupt.set_cancel(Some(Box::new(cancel)));
        let mut granted = |presence| {
            denials.granted();
            report(presence)
        };
        let ended = self.follow(&mut connection, watcher, &mut granted);
        self.interrupt.set_cancel(None);
        if self.interrupt.is_stopping() {
            connection.abandon();
        } else {
            connection.close();
        }
        ended.map_or_else(Ended::Lost, |()| Ended::Done)
    }

    /// Scans and waits in turn, until it is stopped or the receiver is dropped.
    fn follow(
        &self,
        service: &mut dyn Service,
        watcher: &mut Watcher,
        report: &mut Report<'_>,
    ) -> Result<(), pcsc::Error> {
        while !self.interrupt.is_stopping() {
            let requested = self.interrupt.requested();
            let devices = watcher.scan(service)?;
            if !report(Presence { devices, problems: BTreeSet::new() }) {
                return Ok(());
            }
            self.interrupt.complete(requested);
            let mut next = Next::Wait;
            while next == Next::Wait && !self.interrupt.is_pending() {
                next = watcher.wait(service)?;
            }
        }
        Ok(())
    }
}
