//! A response in pieces.

use super::checksum::crc;
use super::fault::OtpFault;

/// The flag of a report with a piece of a response.
const PIECE: u8 = 0x40;

/// A response that the host fetches with one report after the other.
#[derive(Debug)]
pub(super) struct Response {
    /// The data and its inverted checksum.
    bytes: Vec<u8>,
    /// The number of reports that were fetched.
    fetched: usize,
    pub(super) fault: Option<OtpFault>,
}

impl Response {
    pub(super) fn new(data: &[u8], fault: Option<OtpFault>) -> Self {
        let mut checksum = !crc(data);
        if fault == Some(OtpFault::Checksum) {
            checksum ^= 0x0100;
        }
        let bytes = [data, &checksum.to_le_bytes()].concat();
        Self { bytes, fetched: 0, fault }
    }

    /// The next report; `None` when another program has ended the response.
    pub(super) fn next(&mut self) -> Option<[u8; 8]> {
        let place = self.fetched;
        if place == 1 && self.fault == Some(OtpFault::Interference) {
            return None;
        }
        self.fetched += 1;
        let mut report = [0; 8];
        let Some(piece) = self.bytes.chunks(7).nth(place) else {
            // The end has the number 0, and stays until the host resets the key.
            return Some([0, 0, 0, 0, 0, 0, 0, PIECE]);
        };
        report.iter_mut().zip(piece).for_each(|(to, from)| *to = *from);
        let skipped = usize::from(place == 1 && self.fault == Some(OtpFault::Sequence));
        let number = u8::try_from(place + skipped).unwrap_or(0x1f);
        let [.., flags] = &mut report;
        *flags = PIECE | number;
        Some(report)
    }
}
