//! Decides when the readers are scanned, and applies the results.
//!
//! A scan reads the status of all readers and does not depend on earlier scans. Events of the service only end a wait
//! early, because some events are never sent: pcscd 1.9.9 lists a new reader before it has read the state of its slot, and
//! its client library does not report the card that is found then. It does not report a reader either that is added
//! between a scan and the wait.

use std::ffi::{CStr, CString};
use std::time::Duration;

use pcsc::{Error, State};

use super::insertions::Insertions;
use super::service::{Change, Service};
use crate::device::Attachment;

/// The pauses between scans after a change, in milliseconds; the last pause repeats. libpcsclite wakes once a minute by
/// itself, so a scan once a minute causes no extra wake-up.
const PAUSES_MS: [u64; 4] = [250, 1_000, 4_000, 60_000];

/// The index of the longest pause while the state of a slot is undetermined.
const MAX_UNDETERMINED_PAUSE: usize = 1;

/// The maximum number of successive waits that end because a program uses or releases a card and cause no scan. Each request
/// to a token causes two.
const MAX_WAITS_WITHOUT_SCAN: u32 = 16;

/// The maximum number of attempts at a scan during which readers are removed.
const MAX_SCAN_ATTEMPTS: u32 = 10;

/// The action after a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Scan,
    Wait,
}

/// The state of the readers, kept over reconnects to the service.
pub(super) struct Watcher {
    ignore: Vec<String>,
    insertions: Insertions,
    /// The index of the next pause.
    pause: usize,
    waits_without_scan: u32,
    is_undetermined: bool,
}

impl Watcher {
    /// Ignores readers whose names contain one of `ignore`.
    pub(super) fn new(ignore: Vec<String>) -> Self {
        Self {
            ignore,
            insertions: Insertions::default(),
            pause: 0,
            waits_without_scan: 0,
            is_undetermined: false,
        }
    }

    /// Removes all cards, because the service has stopped.
    pub(super) fn forget(&mut self) {
        self.insertions.clear();
        self.pause = 0;
    }

    /// Scans all readers. Returns the attached devices.
    pub(super) fn scan(&mut self, service: &mut dyn Service) -> Result<Vec<Attachment>, Error> {
        let mut attempts = 0;
        let readers = loop {
            attempts += 1;
            let mut names: Vec<CString> = service.list()?;
            names.retain(|name| !is_ignored(name, &self.ignore));
            match service.scan(names) {
                // A reader was removed between the list and the scan.
                Err(Error::UnknownReader) if attempts < MAX_SCAN_ATTEMPTS => {}
                readers => break readers?,
            }
        };
        self.waits_without_scan = 0;
        self.is_undetermined = readers.iter().any(|reader| reader.is_undetermined());
        self.insertions.replace(&readers);
        Ok(self.insertions.attachments())
    }

    /// Waits for a change, or until the next scan is due.
    pub(super) fn wait(&mut self, service: &mut dyn Service) -> Result<Next, Error> {
        let place = if self.is_undetermined { self.pause.min(MAX_UNDETERMINED_PAUSE) } else { self.pause };
        let limit = PAUSES_MS.get(place).or(PAUSES_MS.last()).copied().unwrap_or_default();
        match service.wait(Duration::from_millis(limit)) {
            Ok(change) => Ok(self.apply(&change)),
            Err(Error::Timeout) => {
                self.pause = (self.pause + 1).min(PAUSES_MS.len() - 1);
                Ok(Next::Scan)
            }
            // A reader was removed between the scan and the wait, or a scan or stop was requested.
            Err(Error::UnknownReader | Error::Cancelled) => {
                self.pause = 0;
                Ok(Next::Scan)
            }
            Err(error) => Err(error),
        }
    }

    fn apply(&mut self, change: &Change) -> Next {
        // Only the count of events shows that a card was removed and inserted again before the next scan.
        let is_new = self.insertions.update(&change.readers);
        let is_gone = change.readers.iter().any(|reader| reader.state.contains(State::UNKNOWN));
        self.waits_without_scan += 1;
        if is_new || is_gone || change.list || self.is_undetermined {
            self.pause = 0;
            return Next::Scan;
        }
        // A program uses a card or has released it. The next scan finds a reader that was added meanwhile.
        self.pause = self.pause.min(MAX_UNDETERMINED_PAUSE);
        if self.waits_without_scan >= MAX_WAITS_WITHOUT_SCAN { Next::Scan } else { Next::Wait }
    }
}

fn is_ignored(reader: &CStr, ignore: &[String]) -> bool {
    let contains =
        |part: &String| reader.to_bytes().windows(part.len()).any(|bytes| bytes == part.as_bytes());
    ignore.iter().any(|part| !part.is_empty() && contains(part))
}

#[cfg(test)]
mod pcscd;
#[cfg(test)]
mod tests;
