//! The OTP interface of a YubiKey: frames in feature reports of 8 bytes.
//!
//! Slot 2 answers HMAC-SHA1 challenges of less than 64 bytes with the key of RFC 6238, appendix B.

use std::collections::VecDeque;

use aws_lc_rs::hmac;

/// A boot keyboard (HID 1.11, appendix E.6) with a feature report of 8 bytes.
pub const DESCRIPTOR: &[u8] = &[
    0x05, 0x01, 0x09, 0x06, 0xa1, 0x01, 0x05, 0x07, 0x19, 0xe0, 0x29, 0xe7, 0x15, 0x00, 0x25, 0x01, 0x75,
    0x01, 0x95, 0x08, 0x81, 0x02, 0x95, 0x01, 0x75, 0x08, 0x81, 0x01, 0x95, 0x05, 0x75, 0x01, 0x05, 0x08,
    0x19, 0x01, 0x29, 0x05, 0x91, 0x02, 0x95, 0x01, 0x75, 0x03, 0x91, 0x01, 0x95, 0x06, 0x75, 0x08, 0x15,
    0x00, 0x25, 0x65, 0x05, 0x07, 0x19, 0x00, 0x29, 0x65, 0x81, 0x00, 0x09, 0x03, 0x75, 0x08, 0x95, 0x08,
    0xb1, 0x02, 0xc0,
];

const KEY: &[u8] = b"12345678901234567890";
const SERIAL: u32 = 7_654_321;

/// Commands, in the byte after the payload of a frame.
const READ_SERIAL: u8 = 0x10;
const HMAC_SLOT_2: u8 = 0x38;

/// A frame is sent in 10 pieces of 7 bytes.
const FRAME_BYTES: usize = 70;
const PAYLOAD_BYTES: usize = 64;
const PIECE_BYTES: usize = 7;
const LAST_PIECE: usize = FRAME_BYTES / PIECE_BYTES - 1;

/// Flags in the last byte of a report; its lower five bits are the number of the piece.
const IS_WRITE: u8 = 0x80;
const IS_RESPONSE: u8 = 0x40;
const NUMBER: u8 = 0x1f;

pub struct Otp {
    frame: [u8; FRAME_BYTES],
    /// The reports of a response that have not been read.
    response: VecDeque<[u8; 8]>,
}

impl Otp {
    pub fn new() -> Self {
        Self { frame: [0; FRAME_BYTES], response: VecDeque::new() }
    }

    /// The host writes a report.
    pub fn write(&mut self, report: &[u8]) {
        let Some((piece, [flags])) = report.split_at_checked(PIECE_BYTES) else { return };
        let number = usize::from(flags & NUMBER);
        if flags & IS_WRITE == 0 {
            return;
        }
        if number == 0 || number > LAST_PIECE {
            // The first piece, or an abort.
            self.frame = [0; FRAME_BYTES];
            self.response.clear();
        }
        let place = number * PIECE_BYTES;
        if let Some(target) = self.frame.get_mut(place..place + PIECE_BYTES) {
            target.copy_from_slice(piece);
        }
        if number == LAST_PIECE {
            self.execute();
        }
    }

    /// The host reads a report: the next one of a response, or the status of firmware 5.4.3 with both slots configured.
    pub fn read(&mut self) -> [u8; 8] {
        self.response.pop_front().unwrap_or([0, 5, 4, 3, 1, 3, 0, 0])
    }

    fn execute(&mut self) {
        let (payload, rest) = self.frame.split_at(PAYLOAD_BYTES);
        let [command, low, high, ..] = *rest else { return };
        if u16::from_le_bytes([low, high]) != crc(payload) {
            return;
        }
        match command {
            READ_SERIAL => self.respond(&SERIAL.to_be_bytes()),
            HMAC_SLOT_2 => {
                let last = payload.last().copied();
                let length =
                    payload.iter().rposition(|byte| Some(*byte) != last).map_or(0, |place| place + 1);
                let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, KEY);
                let tag = hmac::sign(&key, payload.get(..length).unwrap_or_default());
                self.respond(tag.as_ref());
            }
            _ => {}
        }
    }

    fn respond(&mut self, data: &[u8]) {
        let mut bytes = data.to_vec();
        bytes.extend((!crc(data)).to_le_bytes());
        bytes.resize(bytes.len().next_multiple_of(PIECE_BYTES), 0);
        for (number, piece) in (0..).zip(bytes.chunks(PIECE_BYTES)) {
            let mut report = [IS_RESPONSE | number; 8];
            report.iter_mut().zip(piece).for_each(|(target, byte)| *target = *byte);
            self.response.push_back(report);
        }
        self.response.push_back([0, 0, 0, 0, 0, 0, 0, IS_RESPONSE]);
    }
}

/// The CRC of ISO 13239 without the final inversion.
fn crc(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xffff, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0x8408 } else { crc >> 1 })
    })
}
