//! The reports of messages (CTAP 2.1 §11.2.4).

/// The length of a report in bytes.
pub(in crate::virt) const REPORT: usize = 64;

/// The first bit of the fifth byte of a message's first report.
const IS_FIRST: u8 = 0x80;

/// The id of a channel.
pub(super) type ChannelId = [u8; 4];

/// A message that arrives in several reports.
#[derive(Debug)]
pub(super) struct Incoming {
    pub(super) channel: ChannelId,
    pub(super) command: u8,
    pub(super) data: Vec<u8>,
    length: usize,
    next: u8,
}

/// What a report is for the messages of the key.
pub(super) enum Part {
    /// The begin of a message, or a whole one.
    First(Incoming),
    /// A later report, with its number and its data.
    Next(ChannelId, u8, Vec<u8>),
}

impl Part {
    pub(super) fn read(report: &[u8; REPORT]) -> Self {
        let [a, b, c, d, kind, high, low, data @ ..] = report;
        let channel = [*a, *b, *c, *d];
        if kind & IS_FIRST == 0 {
            return Self::Next(channel, *kind, [&[*high, *low], data.as_slice()].concat());
        }
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let data = data.iter().copied().take(length).collect();
        Self::First(Incoming { channel, command: kind & !IS_FIRST, data, length, next: 0 })
    }
}

impl Incoming {
    pub(super) fn is_complete(&self) -> bool {
        self.data.len() >= self.length
    }

    /// Adds a later report; `false` if it is not the next one.
    pub(super) fn add(&mut self, channel: ChannelId, number: u8, data: &[u8]) -> bool {
        let fits = channel == self.channel && number == self.next;
        self.next += 1;
        let missing = self.length.saturating_sub(self.data.len());
        self.data.extend(data.iter().take(missing));
        fits
    }
}

/// The reports of a message.
pub(super) fn reports(channel: ChannelId, command: u8, message: &[u8]) -> Vec<Vec<u8>> {
    let length = u16::try_from(message.len()).unwrap_or(u16::MAX).to_be_bytes();
    let (first, rest) = message.split_at(message.len().min(REPORT - 7));
    let header = [&channel[..], &[command | IS_FIRST], &length].concat();
    let mut reports = vec![padded([&header, first].concat())];
    for (number, piece) in (0_u8..).zip(rest.chunks(REPORT - 5)) {
        reports.push(padded([&channel[..], &[number], piece].concat()));
    }
    reports
}

fn padded(mut report: Vec<u8>) -> Vec<u8> {
    report.resize(REPORT, 0);
    report
}
