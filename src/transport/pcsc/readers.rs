//! The readers of one connection to the service, and what the service says of them.

use std::ffi::CString;
use std::time::Duration;

use pcsc::{Context, Error, PNP_NOTIFICATION, ReaderState, State};

use super::present::{Reader, attachments};
use crate::device::Attachment;

/// As many as pcscd manages.
const MAX_READERS: usize = 16;

/// After a change the list is read once more: the service doesn't tell of a reader that came between the list
/// and the wait, and readers like to come in pairs.
const SETTLING: Duration = Duration::from_secs(1);

pub(super) struct Readers {
    /// What the service fills in; the first one stands for the list of readers itself.
    states: Vec<ReaderState>,
    /// What it said last. New readers are missing until it did.
    known: Vec<Reader>,
    settled: bool,
}

impl Readers {
    pub(super) fn new() -> Self {
        let list = ReaderState::new(PNP_NOTIFICATION(), State::UNAWARE);
        Self { states: vec![list], known: Vec::new(), settled: false }
    }

    /// Follows the service's list of readers, without those whose names contain one of `ignore`.
    pub(super) fn refresh(&mut self, context: &Context, ignore: &[String]) -> Result<(), Error> {
        let mut names = list(context)?;
        names.retain(|name| !is_ignored(&name.to_string_lossy(), ignore));
        names.truncate(MAX_READERS);
        self.states.retain(|state| {
            let gone = state.event_state().intersects(State::UNKNOWN | State::IGNORE);
            state.name() == PNP_NOTIFICATION()
                || names.iter().any(|name| name.as_c_str() == state.name()) && !gone
        });
        for name in names {
            if self.states.iter().all(|state| state.name() != name.as_c_str()) {
                self.states.push(ReaderState::new(name, State::UNAWARE));
            }
        }
        // One that went and came back is as good as new.
        let heard_of = |name: &str| {
            let mut same = self.states.iter().filter(|state| state.name().to_string_lossy() == name);
            same.any(|state| !state.current_state().is_empty())
        };
        self.known.retain(|known| heard_of(&known.name));
        Ok(())
    }

    /// What is attached; `None` as long as the service hasn't told of each reader.
    pub(super) fn attachments(&self, epoch: u16) -> Option<Vec<Attachment>> {
        let complete = self.known.len() == self.cards().count();
        complete.then(|| attachments(&self.known, epoch))
    }

    /// Blocks until something changes, or is cancelled.
    pub(super) fn wait(&mut self, context: &Context) -> Result<(), Error> {
        let timeout = if self.settled { None } else { Some(SETTLING) };
        match context.get_status_change(timeout, &mut self.states) {
            Ok(()) => {
                self.settled = false;
                self.learn();
                Ok(())
            }
            Err(Error::Timeout) => {
                self.settled = true;
                Ok(())
            }
            // A reader that went between the list and the wait; a cancellation, which the caller looks for.
            Err(Error::UnknownReader | Error::Cancelled) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn learn(&mut self) {
        self.known = self
            .cards()
            .map(|state| Reader {
                name: state.name().to_string_lossy().into_owned(),
                state: state.event_state(),
                events: state.event_count(),
            })
            .collect();
        self.states.iter_mut().for_each(ReaderState::sync_current_state);
    }

    fn cards(&self) -> impl Iterator<Item = &ReaderState> {
        self.states.iter().skip(1)
    }
}

/// The names of all readers. One that comes between the question for their length and the one for themselves
/// makes the answer too long.
fn list(context: &Context) -> Result<Vec<CString>, Error> {
    match context.list_readers_owned() {
        Err(Error::InsufficientBuffer) => context.list_readers_owned(),
        names => names,
    }
}

fn is_ignored(reader: &str, ignore: &[String]) -> bool {
    ignore.iter().any(|part| !part.is_empty() && reader.contains(part.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_the_name_is_enough_to_be_ignored() {
        let ignore = ["Gemalto".to_owned(), String::new()];
        assert!(is_ignored("Gemalto PC Twin Reader 00 00", &ignore));
        assert!(!is_ignored("Yubico YubiKey CCID 00 00", &ignore));
    }

    #[test]
    fn nothing_is_told_before_each_reader_has_been_heard_of() {
        let mut readers = Readers::new();
        assert_eq!(readers.attachments(1), Some(Vec::new()));
        readers.states.push(ReaderState::new(c"A".to_owned(), State::UNAWARE));
        assert_eq!(readers.attachments(1), None);
    }
}
