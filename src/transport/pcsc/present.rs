//! From what the service says of its readers to what is attached.

use pcsc::State;

use crate::device::{Attachment, DeviceId};

/// The last that was heard of a reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reader {
    pub(super) name: String,
    pub(super) state: State,
    /// How many cards came and went, modulo 65,536.
    pub(super) events: u32,
}

/// The cards in `readers`, by reader and insertion.
///
/// A restarted service counts from zero again, so `epoch`, the number of the connection to it, is part of an
/// insertion: a card that was pulled while nobody looked must not pass for the one before.
pub(super) fn attachments(readers: &[Reader], epoch: u16) -> Vec<Attachment> {
    let mut present: Vec<_> = readers
        .iter()
        .filter(|reader| is_usable(reader.state))
        .map(|reader| Attachment {
            id: DeviceId {
                name: reader.name.clone(),
                insertion: u32::from(epoch) << 16 | reader.events & 0xffff,
            },
            is_virtual: false,
        })
        .collect();
    present.sort_by(|a, b| a.id.cmp(&b.id));
    present
}

/// A mute card is there and says nothing; one in exclusive use is there and will be free again.
fn is_usable(state: State) -> bool {
    state.contains(State::PRESENT) && !state.intersects(State::MUTE | State::EMPTY | State::UNAVAILABLE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(name: &str, state: State, events: u32) -> Reader {
        Reader { name: name.to_owned(), state, events }
    }

    fn insertion(state: State, events: u32, epoch: u16) -> Option<u32> {
        attachments(&[reader("A", state, events)], epoch).first().map(|device| device.id.insertion)
    }

    #[test]
    fn only_cards_that_answer_are_attached() {
        for state in [
            State::PRESENT,
            State::PRESENT | State::CHANGED,
            State::PRESENT | State::INUSE,
            State::PRESENT | State::EXCLUSIVE | State::INUSE,
            State::PRESENT | State::UNPOWERED,
        ] {
            assert!(insertion(state, 1, 1).is_some(), "{state:?}");
        }
        for state in [
            State::EMPTY,
            State::EMPTY | State::CHANGED,
            State::PRESENT | State::MUTE,
            State::UNKNOWN | State::CHANGED | State::UNAVAILABLE,
            State::UNAWARE,
        ] {
            assert_eq!(insertion(state, 1, 1), None, "{state:?}");
        }
    }

    #[test]
    fn each_insertion_and_each_connection_makes_another_device() {
        let states = [(1, 1), (3, 1), (1, 2), (3, 2), (65_535, 65_535)];
        let insertions: Vec<_> =
            states.map(|(events, epoch)| insertion(State::PRESENT, events, epoch)).into();
        assert_eq!(insertions[0], Some(0x0001_0001));
        for (index, one) in insertions.iter().enumerate() {
            assert!(!insertions[index + 1..].contains(one));
        }
    }

    #[test]
    fn the_order_of_readers_is_of_no_matter() {
        let one = [reader("A", State::PRESENT, 1), reader("B", State::PRESENT, 1)];
        let other = [reader("B", State::PRESENT, 1), reader("A", State::PRESENT, 1)];
        assert_eq!(attachments(&one, 1), attachments(&other, 1));
    }
}
