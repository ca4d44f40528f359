//! When to look at the readers, and what follows from a look.
//!
//! Levels, not edges: a look asks for everything and remembers nothing. The service's events only end a wait early, since
//! some never come. pcscd 1.9.9 lists a reader before it has looked into it, and its client library reports no change
//! when the card appears then; it doesn't report a reader that comes between a look and the wait, either.

use std::ffi::{CStr, CString};
use std::time::Duration;

use pcsc::{Error, State};

use super::insertions::Insertions;
use super::service::{Change, Service};
use crate::device::Attachment;

/// After a change the readers are looked at again after these pauses, in milliseconds; the last one repeats. Without an
/// event libpcsclite wakes once a minute itself, so the last pause costs nothing.
const PAUSES_MS: [u64; 4] = [250, 1_000, 4_000, 60_000];

/// The place of the longest pause while pcscd has not looked into a reader.
const UNDETERMINED_PAUSE: usize = 1;

/// How many waits in a row may end with a card being used or released, without a look: each request to a token is two.
const MAX_UNLOOKED: u32 = 16;

/// How often a look is repeated because a reader went in its middle.
const MAX_LOOKS: u32 = 10;

/// What is to be done after a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Look,
    Wait,
}

/// What is known of the readers, over all connections to the service.
pub(super) struct Watcher {
    ignore: Vec<String>,
    insertions: Insertions,
    /// The place of the next pause.
    pause: usize,
    unlooked: u32,
    is_undetermined: bool,
}

impl Watcher {
    /// Ignores readers whose names contain one of `ignore`.
    pub(super) fn new(ignore: Vec<String>) -> Self {
        Self { ignore, insertions: Insertions::default(), pause: 0, unlooked: 0, is_undetermined: false }
    }

    /// The service is gone.
    pub(super) fn forget(&mut self) {
        self.insertions.clear();
        self.pause = 0;
    }

    /// Everything that is attached now.
    pub(super) fn look(&mut self, service: &mut dyn Service) -> Result<Vec<Attachment>, Error> {
        let mut looks = 0;
        let readers = loop {
            looks += 1;
            let mut names: Vec<CString> = service.list()?;
            names.retain(|name| !is_ignored(name, &self.ignore));
            match service.look(names) {
                // A reader went between the list and the look.
                Err(Error::UnknownReader) if looks < MAX_LOOKS => {}
                readers => break readers?,
            }
        };
        self.unlooked = 0;
        self.is_undetermined = readers.iter().any(|reader| reader.is_undetermined());
        self.insertions.replace(&readers);
        Ok(self.insertions.attachments())
    }

    /// Waits for a change, or for the time of the next look.
    pub(super) fn wait(&mut self, service: &mut dyn Service) -> Result<Next, Error> {
        let place = if self.is_undetermined { self.pause.min(UNDETERMINED_PAUSE) } else { self.pause };
        let limit = PAUSES_MS.get(place).or(PAUSES_MS.last()).copied().unwrap_or_default();
        match service.wait(Duration::from_millis(limit)) {
            Ok(change) => Ok(self.learn(&change)),
            Err(Error::Timeout) => {
                self.pause = (self.pause + 1).min(PAUSES_MS.len() - 1);
                Ok(Next::Look)
            }
            // A reader that went between the look and the wait; a cancellation, which is a request to look or to stop.
            Err(Error::UnknownReader | Error::Cancelled) => {
                self.pause = 0;
                Ok(Next::Look)
            }
            Err(error) => Err(error),
        }
    }

    fn learn(&mut self, change: &Change) -> Next {
        // A card that went and came back before the next look was another insertion, and only this tells.
        let is_new = self.insertions.update(&change.readers);
        let is_gone = change.readers.iter().any(|reader| reader.state.contains(State::UNKNOWN));
        self.unlooked += 1;
        if is_new || is_gone || change.list || self.is_undetermined {
            self.pause = 0;
            return Next::Look;
        }
        // A program uses a card or has released it. A reader that came meanwhile is found by a look soon.
        self.pause = self.pause.min(UNDETERMINED_PAUSE);
        if self.unlooked >= MAX_UNLOOKED { Next::Look } else { Next::Wait }
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
