//! The thread that blocks in the service until something is plugged in or pulled out.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use pcsc::{Context, Scope};

use super::error::problem;
use super::readers::Readers;
use super::socket::{self, Backoff, Changes, Woken};
use super::stop::Stop;
use super::turn;
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
    stop: Stop,
}

/// Why watching a connection came to its end.
enum Ended {
    /// Stopped, or nobody listens.
    Done,
    Lost(pcsc::Error),
}

impl Monitor {
    pub(super) fn new(ignore: Vec<String>) -> Self {
        Self { ignore, socket: socket::path(), stop: Stop::new() }
    }

    pub(super) fn stop(&self) {
        self.stop.stop();
    }

    /// Reports whole sets until it is stopped or nobody listens. Survives the service.
    pub(super) fn run(&self, report: &mut Report<'_>) {
        let Some(_running) = self.stop.begin() else { return };
        let mut backoff = Backoff::new();
        let mut epoch = 0_u16;
        while !self.stop.is_stopping() {
            // Before the attempt, so that a service that starts right after it is noticed.
            let changes = Changes::of(&self.socket);
            epoch = epoch.wrapping_add(1);
            let started = Instant::now();
            let Ended::Lost(error) = self.connection(epoch, report) else { return };
            let problem = problem(error);
            tracing::debug!(%error, "no connection to the smart card service");
            if !report(Presence { devices: Vec::new(), problem: Some(problem) }) {
                return;
            }
            if started.elapsed() >= PROVEN {
                backoff.reset();
                continue;
            }
            self.wait(&changes, problem, &mut backoff);
        }
    }

    fn wait(&self, changes: &Changes, problem: Problem, backoff: &mut Backoff) {
        let wake = self.stop.wake();
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
    fn connection(&self, epoch: u16, report: &mut Report<'_>) -> Ended {
        let established = {
            let _turn = turn::take();
            Context::establish(Scope::User)
        };
        let context = match established {
            Ok(context) => context,
            Err(error) => return Ended::Lost(error),
        };
        self.stop.blocks_in(Some(context.clone()));
        let ended = self.follow(&context, epoch, report);
        self.stop.blocks_in(None);
        let _turn = turn::take();
        drop(context);
        ended
    }

    fn follow(&self, context: &Context, epoch: u16, report: &mut Report<'_>) -> Ended {
        let mut readers = Readers::new();
        while !self.stop.is_stopping() {
            if let Err(error) = readers.refresh(context, &self.ignore) {
                return Ended::Lost(error);
            }
            if let Some(devices) = readers.attachments(epoch)
                && !report(Presence { devices, problem: None })
            {
                return Ended::Done;
            }
            if let Err(error) = readers.wait(context) {
                return Ended::Lost(error);
            }
        }
        Ended::Done
    }
}
