//! Tracks the cards in the readers, and numbers their insertions.

use std::collections::BTreeMap;
use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt;

use pcsc::State;

use crate::device::{Attachment, DeviceId};

/// The status of a reader, as pcscd reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ReaderStatus {
    pub(super) name: CString,
    pub(super) state: State,
    /// The number of insertions and removals, modulo 65,536. Not reliable: pcscd does not count the card that is in a new
    /// reader, so two insertions may have the same count.
    pub(super) events: u32,
    /// The answer to reset of the card; empty without one.
    pub(super) atr: Vec<u8>,
}

impl ReaderStatus {
    /// Whether a card that responds is in the reader. A card in exclusive use counts, because it will be released.
    fn has_card(&self) -> bool {
        self.state.contains(State::PRESENT)
            && !self.state.intersects(State::MUTE | State::EMPTY | State::UNAVAILABLE | State::UNKNOWN)
    }

    /// Whether pcscd has listed the reader before it has read the state of its slot. pcscd sends no event afterwards.
    pub(super) fn is_undetermined(&self) -> bool {
        !self.state.intersects(State::PRESENT | State::EMPTY | State::UNAVAILABLE | State::UNKNOWN)
    }
}

/// The cards that are in the readers.
#[derive(Debug, Default)]
pub(super) struct Insertions {
    present: BTreeMap<CString, Insertion>,
    /// The number of the last insertion. It is never reset, so that all numbers differ.
    last: u32,
}

#[derive(Debug)]
struct Insertion {
    number: u32,
    events: u32,
    atr: Vec<u8>,
}

impl Insertions {
    /// Applies the status of some readers. Returns whether an insertion or removal was found.
    pub(super) fn update(&mut self, readers: &[ReaderStatus]) -> bool {
        // Not `any`, which would stop at the first change.
        readers.iter().filter(|reader| self.update_one(reader)).count() > 0
    }

    /// Applies the status of all readers. The cards of unlisted readers are removed.
    pub(super) fn replace(&mut self, readers: &[ReaderStatus]) {
        self.present.retain(|name, _| readers.iter().any(|reader| reader.name == *name));
        self.update(readers);
    }

    fn update_one(&mut self, reader: &ReaderStatus) -> bool {
        if !reader.has_card() {
            return self.present.remove(&reader.name).is_some();
        }
        let known = self.present.get(&reader.name);
        if known.is_some_and(|known| known.events == reader.events) {
            return false;
        }
        self.last = self.last.wrapping_add(1);
        let insertion = Insertion { number: self.last, events: reader.events, atr: reader.atr.clone() };
        self.present.insert(reader.name.clone(), insertion);
        true
    }

    /// Removes all cards, because the service has stopped. Cards that it reports later are new insertions.
    pub(super) fn clear(&mut self) {
        self.present.clear();
    }

    pub(super) fn attachments(&self) -> Vec<Attachment> {
        let attachment = |(name, insertion): (&CString, &Insertion)| {
            let name = OsStr::from_bytes(name.to_bytes()).to_owned();
            Attachment {
                reader: Some(name.clone()),
                id: DeviceId { name, insertion: insertion.number },
                is_virtual: false,
                usb: None,
                atr: insertion.atr.clone(),
            }
        };
        self.present.iter().map(attachment).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(name: &str, state: State, events: u32) -> ReaderStatus {
        ReaderStatus { name: CString::new(name).unwrap(), state, events, atr: Vec::new() }
    }

    fn numbers(insertions: &Insertions) -> Vec<u32> {
        insertions.attachments().iter().map(|attachment| attachment.id.insertion).collect()
    }

    #[test]
    fn only_cards_that_answer_are_attached() {
        let has_card = |state| reader("A", state, 1).has_card();
        for state in [
            State::PRESENT,
            State::PRESENT | State::CHANGED,
            State::PRESENT | State::INUSE,
            State::PRESENT | State::EXCLUSIVE | State::INUSE,
            State::PRESENT | State::UNPOWERED,
        ] {
            assert!(has_card(state), "{state:?}");
        }
        for state in [
            State::EMPTY,
            State::EMPTY | State::CHANGED,
            State::PRESENT | State::MUTE,
            State::UNKNOWN | State::CHANGED | State::UNAVAILABLE,
            State::UNAWARE,
        ] {
            assert!(!has_card(state), "{state:?}");
        }
    }

    #[test]
    fn each_insertion_has_a_number_of_its_own() {
        let mut insertions = Insertions::default();
        let mut seen = Vec::new();
        // A changed count of events is a new insertion. So is the same count after a removal or a restart of the service.
        for events in [0, 2, 2, 0] {
            assert!(insertions.update(&[reader("A", State::PRESENT, events)]) || events == 2);
            seen.extend(numbers(&insertions));
        }
        insertions.update(&[reader("A", State::EMPTY, 0)]);
        insertions.update(&[reader("A", State::PRESENT, 0)]);
        seen.extend(numbers(&insertions));
        insertions.clear();
        insertions.replace(&[reader("A", State::PRESENT, 0)]);
        seen.extend(numbers(&insertions));
        assert_eq!(seen, [1, 2, 2, 3, 4, 5]);
    }

    #[test]
    fn a_reader_that_is_no_longer_listed_has_no_card() {
        let mut insertions = Insertions::default();
        insertions.replace(&[reader("B", State::PRESENT, 0), reader("A", State::PRESENT, 0)]);
        let names: Vec<_> = insertions.attachments().into_iter().map(|found| found.id.name).collect();
        assert_eq!(names, ["A", "B"]);
        insertions.replace(&[reader("B", State::PRESENT, 0)]);
        assert_eq!(numbers(&insertions), [1]);
    }

    #[test]
    fn names_are_kept_byte_by_byte() {
        let mut insertions = Insertions::default();
        let name = c"Lecteur \xe9\xff 00".to_owned();
        let atr = vec![0x3b, 0x80, 0x01];
        let status = ReaderStatus { name: name.clone(), state: State::PRESENT, events: 0, atr: atr.clone() };
        insertions.update(&[status]);
        let attachment = insertions.attachments().remove(0);
        assert_eq!(attachment.atr, atr);
        assert_eq!(attachment.id.name.as_bytes(), name.to_bytes());
        assert_eq!(attachment.reader, Some(attachment.id.name));
    }
}
