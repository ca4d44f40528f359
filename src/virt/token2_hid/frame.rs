//! The reports of commands and responses.

/// The length of a report in bytes, and of the data in it.
pub(super) const REPORT: usize = 64;
const DATA: usize = REPORT - 3;

const MAGIC: u8 = 0x21;
const MORE: u8 = 0x20;
const BUSY: u8 = 0xc0;

/// A command that arrives in several reports.
#[derive(Debug, Default)]
pub(super) struct Incoming {
    command: Vec<u8>,
    next: u8,
}

impl Incoming {
    /// Takes a report. Returns the command if it is complete; a report out of order drops all before it.
    pub(super) fn take(&mut self, report: &[u8; REPORT]) -> Option<Vec<u8>> {
        let [MAGIC, flags, length, data @ ..] = report else { return None };
        if flags & 0x0f != self.next {
            *self = Self::default();
            return None;
        }
        self.command.extend(data.iter().take(usize::from(*length)));
        self.next = (self.next + 1) % 16;
        (flags & MORE == 0).then(|| std::mem::take(self).command)
    }
}

/// The reports of a response.
pub(super) fn reports(response: &[u8]) -> Vec<Vec<u8>> {
    let count = response.chunks(DATA).count();
    let numbers = (0_u8..16).cycle();
    let parts = response.chunks(DATA).zip(numbers).enumerate();
    parts
        .map(|(index, (data, number))| report(if index + 1 == count { 0 } else { MORE } | number, data))
        .collect()
}

/// The report of a busy key.
pub(super) fn busy() -> Vec<u8> {
    report(BUSY, &[])
}

/// The error that the FIDO stack of a key sends for a report: the message was not finished in time (CTAP 2.1 §11.2.9.1.6).
pub(super) fn ctaphid_error(sent: &[u8; REPORT]) -> Vec<u8> {
    let [a, b, c, d, ..] = *sent;
    padded(vec![a, b, c, d, 0xbf, 0x00, 0x01, 0x05])
}

/// A report of CTAPHID for another program.
pub(super) fn foreign() -> Vec<u8> {
    padded(vec![0x00, 0x00, 0xab, 0xcd, 0xbb, 0x00, 0x01, 0x01])
}

fn report(flags: u8, data: &[u8]) -> Vec<u8> {
    let length = u8::try_from(data.len()).unwrap_or_default();
    padded([&[MAGIC, flags, length], data].concat())
}

fn padded(mut report: Vec<u8>) -> Vec<u8> {
    report.resize(REPORT, 0);
    report
}
