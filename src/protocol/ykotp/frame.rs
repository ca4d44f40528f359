//! A request to the key: one frame of 70 bytes, sent as reports of 8 bytes.

use super::crc::checksum;

/// The length of a feature report in bytes.
pub(super) const REPORT: usize = 8;

/// The length of a frame's payload in bytes.
pub(super) const PAYLOAD: usize = 64;

/// The number of a frame's bytes in one report. The last byte of a report has the flags.
pub(super) const PIECE: usize = REPORT - 1;

/// The number of pieces of a frame.
const PIECES: usize = 10;

/// The flag of a report with a piece of a frame. The key clears it when it has taken the piece.
const WRITE: u8 = 0x80;

/// The report that ends the current action of the key: a wait for a touch, or a response that nobody fetches.
pub(super) const RESET: [u8; REPORT] = [0, 0, 0, 0, 0, 0, 0, 0xff];

/// A frame: payload, command, checksum of the payload, three zero bytes.
pub(super) struct Frame([u8; PIECES * PIECE]);

impl Frame {
    /// A frame with this command, which Yubico calls a slot.
    pub(super) fn new(command: u8, payload: &[u8; PAYLOAD]) -> Self {
        let [low, high] = checksum(payload).to_le_bytes();
        let mut bytes = [0; PIECES * PIECE];
        let all = payload.iter().copied().chain([command, low, high]);
        bytes.iter_mut().zip(all).for_each(|(to, from)| *to = from);
        Self(bytes)
    }

    /// The reports. Pieces with zeros only are left out, except the first and the last one.
    pub(super) fn reports(&self) -> impl Iterator<Item = [u8; REPORT]> + '_ {
        let pieces = (0..).zip(self.0.chunks_exact(PIECE));
        let is_sent = |(place, piece): &(u8, &[u8])| {
            [0, PIECES - 1].contains(&usize::from(*place)) || piece.iter().any(|byte| *byte != 0)
        };
        pieces.filter(is_sent).map(|(place, piece)| {
            let mut report = [0; REPORT];
            let all = piece.iter().copied().chain([WRITE | place]);
            report.iter_mut().zip(all).for_each(|(to, from)| *to = from);
            report
        })
    }
}
