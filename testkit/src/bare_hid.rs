//! The minimum work of a request to a key over HID: only the reports, without checks of anything but their length.

use std::io;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use oathbridge::device::Reports;

use crate::bare;

/// The timeout for a report.
const TIMEOUT: Duration = Duration::from_secs(3);

/// The pause between two looks at a key that computes, as in Yubico's own library.
const PAUSE: Duration = Duration::from_millis(1);

/// The current six-digit code of a slot of a YubiKey (HMAC-SHA1 challenge-response over its keyboard interface).
///
/// # Errors
///
/// If the key is not attached, or if its response is too short.
pub fn otp_code(key: &mut dyn Reports, slot: u8) -> io::Result<String> {
    let step = step()?.to_be_bytes();
    // The key leaves out the last bytes that are equal, so the filling differs from the last byte of the challenge.
    let filling = u8::from(step.ends_with(&[0]));
    let payload: Vec<u8> = step.into_iter().chain([filling; 56]).collect();
    // The checksum is part of the response, 22 bytes in all.
    let response = otp_exchange(key, if slot == 1 { 0x30 } else { 0x38 }, &payload, 22)?;
    let offset = response.get(19).map_or(0, |last| usize::from(last & 0x0f));
    let bytes = response.get(offset..offset + 4).and_then(|four| four.try_into().ok());
    let bytes = bytes.ok_or(io::ErrorKind::UnexpectedEof)?;
    Ok(format!("{:06}", (u32::from_be_bytes(bytes) & 0x7fff_ffff) % 1_000_000))
}

/// The serial number and then the status of a YubiKey over its keyboard interface.
///
/// # Errors
///
/// If the key is not attached.
pub fn otp_serial(key: &mut dyn Reports) -> io::Result<u32> {
    let response = otp_exchange(key, 0x10, &[0; 64], 6)?;
    // The status of the slots.
    look(key)?;
    Ok(u32::from_be_bytes(*response.first_chunk().ok_or(io::ErrorKind::UnexpectedEof)?))
}

/// Sends a frame, reads `length` bytes of the response, and makes the key ready for the next frame.
fn otp_exchange(key: &mut dyn Reports, command: u8, payload: &[u8], length: usize) -> io::Result<Vec<u8>> {
    let mut frame = [0; 70];
    let [low, high] = crc(payload).to_le_bytes();
    frame
        .iter_mut()
        .zip(payload.iter().copied().chain([command, low, high]))
        .for_each(|(to, from)| *to = from);
    for (place, piece) in (0..).zip(frame.chunks_exact(7)) {
        if piece.iter().any(|byte| *byte != 0) || place == 0 || place == 9 {
            until(key, |report| report[7] & 0x80 == 0)?;
            send(key, &[piece, &[0x80 | place]].concat())?;
        }
    }
    let mut response = until(key, |report| report[7] & 0x40 != 0)?[..7].to_vec();
    while response.len() < length {
        response.extend_from_slice(&look(key)?[..7]);
    }
    send(key, &[0, 0, 0, 0, 0, 0, 0, 0xff])?;
    Ok(response)
}

/// A channel on the FIDO interface of a Nitrokey 3.
pub struct Channel<'k> {
    key: &'k mut dyn Reports,
    id: [u8; 4],
}

impl<'k> Channel<'k> {
    /// Allocates a channel.
    ///
    /// # Errors
    ///
    /// If the key is not attached.
    pub fn allocate(key: &'k mut dyn Reports) -> io::Result<Self> {
        let mut channel = Self { key, id: [0xff; 4] };
        let answer = channel.exchange(0x06, b"figures.")?;
        channel.id.copy_from_slice(answer.get(8..12).ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(channel)
    }

    /// The list of credentials, with their properties. Before it, the request for all codes, which this key does not know:
    /// the commands are those of the daemon.
    ///
    /// # Errors
    ///
    /// If the key is not attached.
    pub fn list(&mut self) -> io::Result<Vec<u8>> {
        self.exchange(0x70, bare::SELECT)?;
        self.exchange(0x70, &bare::command([0x00, 0xa4, 0x00, 0x01])?)?;
        self.exchange(0x70, &[0x00, 0xa1, 0x00, 0x00, 0x01, 0x01, 0x00])
    }

    /// The current code of the credential with this name.
    ///
    /// # Errors
    ///
    /// If the key is not attached, or if its response is no code.
    pub fn code(&mut self, credential: &str) -> io::Result<String> {
        self.exchange(0x70, bare::SELECT)?;
        let answer = self.exchange(0x70, &bare::calculate(credential, step()?)?)?;
        match *answer {
            [0x90, 0x00, 0x76, 0x05, digits @ 6..=8, a, b, c, d] => {
                let digits = usize::from(digits);
                let code = (u32::from_be_bytes([a, b, c, d]) & 0x7fff_ffff) % 10_u32.pow(digits as u32);
                Ok(format!("{code:0digits$}"))
            }
            _ => Err(io::Error::other(format!("this is no code: {answer:02x?}"))),
        }
    }

    fn exchange(&mut self, command: u8, message: &[u8]) -> io::Result<Vec<u8>> {
        let length = u16::try_from(message.len()).map_err(io::Error::other)?.to_be_bytes();
        let (first, rest) = message.split_at(message.len().min(57));
        self.send(&[&[0x80 | command], length.as_slice(), first].concat())?;
        for (number, part) in (0..).zip(rest.chunks(59)) {
            self.send(&[&[number], part].concat())?;
        }
        let first = self.receive()?;
        let length = usize::from(u16::from_be_bytes([first[5], first[6]]));
        let mut answer = first[7..].to_vec();
        while answer.len() < length {
            answer.extend_from_slice(&self.receive()?[5..]);
        }
        answer.truncate(length);
        Ok(answer)
    }

    fn send(&mut self, packet: &[u8]) -> io::Result<()> {
        let mut report = [self.id.as_slice(), packet].concat();
        report.resize(64, 0);
        send(self.key, &report)
    }

    fn receive(&mut self) -> io::Result<[u8; 64]> {
        let mut report = [0; 64];
        // The kernel gives each report to all programs that have the device open.
        while !report.starts_with(&self.id) {
            receive(self.key, &mut report)?;
        }
        Ok(report)
    }
}

fn step() -> io::Result<u64> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH).map_err(io::Error::other)?.as_secs() / 30)
}

fn send(key: &mut dyn Reports, report: &[u8]) -> io::Result<()> {
    key.send(report).map_err(io::Error::other)
}

fn receive(key: &mut dyn Reports, report: &mut [u8]) -> io::Result<()> {
    let length = key.receive(report, TIMEOUT).map_err(io::Error::other)?;
    if length == report.len() { Ok(()) } else { Err(io::Error::other(format!("a report of {length} bytes"))) }
}

fn look(key: &mut dyn Reports) -> io::Result<[u8; 8]> {
    let mut report = [0; 8];
    receive(key, &mut report)?;
    Ok(report)
}

/// Looks at the key until its report fits.
fn until(key: &mut dyn Reports, fits: impl Fn(&[u8; 8]) -> bool) -> io::Result<[u8; 8]> {
    loop {
        let report = look(key)?;
        if fits(&report) {
            return Ok(report);
        }
        thread::sleep(PAUSE);
    }
}

/// The checksum of ISO/IEC 13239, without the inversion at its end.
fn crc(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xffff, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0x8408 } else { crc >> 1 })
    })
}
