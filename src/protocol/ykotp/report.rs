//! A report of the key: its state, its status, or a piece of a response.

use std::fmt;

use super::frame::{PIECE, REPORT};

/// The key has not taken the last report, or starts.
const BUSY: u8 = 0x80;
/// The report has a piece of a response; the lower bits are its number.
const RESPONSE: u8 = 0x40;
/// The key waits for a touch; the lower bits are the remaining time.
const TOUCH: u8 = 0x20;
/// The lower bits.
const NUMBER: u8 = 0x1f;

/// A feature report that the key has sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Report {
    /// The key is ready for a request.
    Idle(Status),
    /// The key works.
    Busy,
    /// The key waits for a touch.
    Touch {
        /// The remaining time in seconds, up to 31.
        seconds: u8,
    },
    /// A piece of a response.
    Piece {
        /// Its number, from 0. The end of a response has the number 0 as well.
        number: u8,
        /// Its bytes.
        bytes: [u8; PIECE],
    },
}

impl Report {
    pub(super) fn parse(report: &[u8; REPORT]) -> Self {
        let [bytes @ .., flags] = *report;
        match flags {
            0 => Self::Idle(Status::parse(bytes)),
            flags if flags & RESPONSE != 0 => Self::Piece { number: flags & NUMBER, bytes },
            flags if flags & TOUCH != 0 => Self::Touch { seconds: flags & NUMBER },
            _ => Self::Busy,
        }
    }

    /// Whether the key takes a report.
    pub(super) fn takes_reports(report: &[u8; REPORT]) -> bool {
        let [.., flags] = report;
        flags & BUSY == 0
    }
}

/// The status of a key that is ready for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// The firmware version.
    pub version: [u8; 3],
    /// The state of the slots; see [`Status::is_set_up`].
    configuration: u16,
}

impl Status {
    fn parse([_, major, minor, patch, _, low, high]: [u8; PIECE]) -> Self {
        Self { version: [major, minor, patch], configuration: u16::from_le_bytes([low, high]) }
    }

    /// Whether the slot is set up for anything. The firmware reports this since version 2.1.
    ///
    /// The status also says whether a touch of the key makes the slot type something, which a slot for challenges does not.
    /// That is not used: on some keys it is set for slots that answer a challenge after a touch.
    pub fn is_set_up(&self, slot: SlotNumber) -> bool {
        let bit = match slot {
            SlotNumber::One => 0x01,
            SlotNumber::Two => 0x02,
        };
        self.version < [2, 1, 0] || self.configuration & bit != 0
    }
}

/// One of the two slots of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SlotNumber {
    /// The slot of the short touch.
    One,
    /// The slot of the long touch.
    Two,
}

impl fmt::Display for SlotNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::One => "1",
            Self::Two => "2",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_decide() {
        assert_eq!(Report::parse(&[0, 0, 0, 0, 0, 0, 0, 0x80]), Report::Busy);
        assert_eq!(Report::parse(&[0, 5, 4, 3, 1, 0, 0, 0x9f]), Report::Busy, "a key that starts");
        assert_eq!(Report::parse(&[0, 5, 4, 3, 1, 0, 0, 0x2e]), Report::Touch { seconds: 14 });
        let piece = Report::Piece { number: 3, bytes: [1, 2, 3, 4, 5, 6, 7] };
        assert_eq!(Report::parse(&[1, 2, 3, 4, 5, 6, 7, 0x43]), piece);
        assert!(Report::takes_reports(&[0, 0, 0, 0, 0, 0, 0, 0x7f]));
        assert!(!Report::takes_reports(&[0, 0, 0, 0, 0, 0, 0, 0x80]));
    }

    #[test]
    fn the_status_has_version_and_slots() {
        let Report::Idle(status) = Report::parse(&[0, 5, 4, 3, 7, 0x0a, 0, 0]) else { panic!("not idle") };
        assert_eq!(status.version, [5, 4, 3]);
        assert!(!status.is_set_up(SlotNumber::One) && status.is_set_up(SlotNumber::Two));
        let Report::Idle(old) = Report::parse(&[0, 2, 0, 9, 7, 0, 0, 0]) else { panic!("not idle") };
        assert!(old.is_set_up(SlotNumber::One), "an old key does not say");
    }
}
