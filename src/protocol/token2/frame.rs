//! Reports of 64 bytes: the parts of a command and of its response.

use zeroize::Zeroizing;

/// The length of a report in bytes, and of the data in it.
pub(super) const REPORT: usize = 64;
pub(super) const DATA: usize = REPORT - 3;

/// The first byte of each report.
const MAGIC: u8 = 0x21;

/// The flags in the first half of the second byte. The other half is the number of the report, modulo 16.
const LAST: u8 = 0x00;
const MORE: u8 = 0x20;
const BUSY: u8 = 0xc0;

/// The fifth byte of CTAPHID's error, and its codes for a key that another program uses (CTAP 2.1 §11.2.9.1.6).
const CTAPHID_ERROR: u8 = 0xbf;
const CHANNEL_BUSY: u8 = 0x06;
const LOCK_REQUIRED: u8 = 0x0a;

/// A report that the key has sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Frame<'a> {
    /// The key still works, or waits for a touch.
    Busy,
    /// A part of the response, with its number modulo 16.
    Part { number: u8, is_last: bool, data: &'a [u8] },
    /// The report belongs to another protocol, also if a channel of CTAPHID has a number that begins with our first byte.
    Foreign,
}

impl<'a> Frame<'a> {
    pub(super) fn parse(report: &'a [u8; REPORT]) -> Self {
        let [MAGIC, flags, length, data @ ..] = report else { return Self::Foreign };
        let is_last = match flags & 0xf0 {
            BUSY => return Self::Busy,
            LAST => true,
            MORE => false,
            _ => return Self::Foreign,
        };
        match data.get(..usize::from(*length)) {
            Some(data) => Self::Part { number: flags & 0x0f, is_last, data },
            None => Self::Foreign,
        }
    }
}

/// Whether a report is the answer of CTAPHID to this first report, which is an error for the channel with its first four
/// bytes; then also whether another program uses the key.
pub(super) fn ctaphid_error(report: &[u8; REPORT], sent: &[u8; REPORT]) -> Option<bool> {
    let is_error = report.get(..4) == sent.get(..4) && report.get(4) == Some(&CTAPHID_ERROR);
    is_error.then(|| matches!(report.get(7), Some(&(CHANNEL_BUSY | LOCK_REQUIRED))))
}

/// The reports of a command.
pub(super) fn reports(command: &[u8]) -> Vec<Zeroizing<[u8; REPORT]>> {
    let count = command.len().div_ceil(DATA);
    let parts = (0_u8..16).cycle().zip(command.chunks(DATA)).enumerate();
    parts.map(|(index, (number, data))| report(number, index + 1 == count, data)).collect()
}

fn report(number: u8, is_last: bool, data: &[u8]) -> Zeroizing<[u8; REPORT]> {
    let flags = if is_last { LAST } else { MORE };
    // A chunk has at most 61 bytes.
    let length = u8::try_from(data.len()).unwrap_or_default();
    let mut report = Zeroizing::new([0; REPORT]);
    let all = [MAGIC, flags | number, length].into_iter().chain(data.iter().copied());
    report.iter_mut().zip(all).for_each(|(to, from)| *to = from);
    report
}
