//! The thread that blocks in the service until something is plugged in or pulled out.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::error::problem;
use super::interrupt::Interrupt;
use super::service::{Connection, Service};
use super::socket::{self, Backoff, Changes, Woken};
use super::watcher::{Next, Watcher};
use crate::device::{Presence, Problem};

/// A connection that lived this long wasn't lost to a service that can't start.
const PROVEN: Duration = Duration::from_secs(5);

/// The longest wait when no descriptor was left to be woken by.
const UNWAKEABLE: Duration = Duration::from_millis(250);

/// Takes a report; false when nobody listens any more.
type Report<'r> = dyn FnMut(Presence) -> bool + 'r;

/// Watches the service and what is attached to it.
pub(super) struct Monitor {
    ignore: Vec<String>,
    socket: PathBuf,
    interrupt: Interrupt,
}

/// Why watching a connection came to its end.
enum Ended {
    /// Stopped, or nobody listens.
    Done,
    Lost(pcsc::Error),
}

impl Monitor {
    pub(super) fn new(ignore: Vec<String>) -> Self {
        Self { ignore, socket: socket::path(), interrupt: Interrupt::new() }
    }

    pub(super) fn stop(&self) {
        self.interrupt.stop();
    }

    /// Has the readers looked at, and returns when that is reported or has taken too long.
    pub(super) fn look_again(&self) {
        self.interrupt.look();
    }

    /// Reports whole sets until it is stopped or nobody listens. Survives the service.
    pub(super) fn run(&self, report: &mut Report<'_>) {
        let Some(_running) = self.interrupt.begin() else { return };
        let mut backoff = Backoff::new();
        let mut watcher = Watcher::new(self.ignore.clone());
        while !self.interrupt.is_stopping() {
            // Before the attempt, so that a service that starts right after it is noticed.
            let changes = Changes::of(&self.socket);
            let asked = self.interrupt.asked();
            let started = Instant::now();
            let Ended::Lost(error) = self.connection(&mut watcher, report) else { return };
            watcher.forget();
            let problem = problem(error);
            tracing::debug!(%error, "no connection to the smart card service");
            if !report(Presence { devices: Vec::new(), problem: Some(problem) }) {
                return;
            }
            self.interrupt.answer(asked);
            if started.elapsed() >= PROVEN {
                backoff.reset();
                continue;
            }
            self.wait(&changes, problem, &mut backoff);
        }
    }

    fn wait(&self, changes: &Changes, problem: Problem, backoff: &mut Backoff) {
        let wake = self.interrupt.wake();
        let timeout = match problem {
            Problem::PcscDenied => Backoff::LONGEST,
            Problem::PcscUnavailable => backoff.next(),
        };
        let timeout = if wake.is_some() { timeout } else { UNWAKEABLE };
        if changes.wait(timeout, wake) == Woken::Changed {
            backoff.reset();
        }
    }

    /// One connection to the service, from its beginning to its end.
    fn connection(&self, watcher: &mut Watcher, report: &mut Report<'_>) -> Ended {
        let mut connection = match Connection::open() {
            Ok(connection) => connection,
            Err(error) => return Ended::Lost(error),
        };
        self.interrupt.blocks_in(Some(connection.context()));
        let ended = self.follow(&mut connection, watcher, report);
        self.interrupt.blocks_in(None);
        if self.interrupt.is_stopping() {
            connection.abandon();
        } else {
            connection.close();
        }
        ended.map_or_else(Ended::Lost, |()| Ended::Done)
    }

    /// Looks and waits, until it is stopped or nobody listens.
    fn follow(
        &self,
        service: &mut dyn Service,
        watcher: &mut Watcher,
        report: &mut Report<'_>,
    ) -> Result<(), pcsc::Error> {
        while !self.interrupt.is_stopping() {
            let asked = self.interrupt.asked();
            let devices = watcher.look(service)?;
            if !report(Presence { devices, problem: None }) {
                return Ok(());
            }
            self.interrupt.answer(asked);
            let mut next = Next::Wait;
            while next == Next::Wait && !self.interrupt.is_wanted() {
                next = watcher.wait(service)?;
            }
        }
        Ok(())
    }
}
