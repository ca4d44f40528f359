//! Reports of 64 bytes: the packets of a message (CTAP 2.1 §11.2.4).

use zeroize::Zeroizing;

/// The length of a report in bytes.
pub(super) const REPORT: usize = 64;

/// The number of a message's bytes in its first report, and in each later one.
pub(super) const FIRST_DATA: usize = REPORT - 7;
pub(super) const NEXT_DATA: usize = REPORT - 5;

/// The number of later reports of one message; their number has seven bits.
const MAX_NEXT: usize = 128;

/// The maximum length of a message in bytes: 7,609.
pub(super) const MAX_MESSAGE: usize = FIRST_DATA + MAX_NEXT * NEXT_DATA;

/// The first bit of the fifth byte: set in the first report of a message.
const IS_FIRST: u8 = 0x80;

/// The channel of programs that have none yet.
pub(super) const BROADCAST: ChannelId = [0xff; 4];

/// The id that the key gives to a channel.
pub(super) type ChannelId = [u8; 4];

/// Commands, without [`IS_FIRST`].
pub(super) mod command {
    /// Allocates a channel.
    pub(in super::super) const INIT: u8 = 0x06;
    /// Ends the request of this channel.
    pub(in super::super) const CANCEL: u8 = 0x11;
    /// The key works, or waits for a touch.
    pub(in super::super) const KEEPALIVE: u8 = 0x3b;
    /// The key refuses a message.
    pub(in super::super) const ERROR: u8 = 0x3f;
    /// An APDU for the secrets application of a Trussed key, and its response.
    pub(in super::super) const SECRETS: u8 = 0x70;
}

/// A report that the key has sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame<'a> {
    pub(super) channel: ChannelId,
    pub(super) packet: Packet<'a>,
}

/// A part of a message.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Packet<'a> {
    /// The first report of a message, with the length of the whole message in bytes.
    First { command: u8, length: usize, data: &'a [u8] },
    /// A later report of a message, numbered from 0.
    Next { number: u8, data: &'a [u8] },
}

impl std::fmt::Debug for Packet<'_> {
    /// The data may be a code.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::First { command, length, .. } => write!(f, "First({command:02X}, {length} bytes)"),
            Self::Next { number, .. } => write!(f, "Next({number})"),
        }
    }
}

impl<'a> Frame<'a> {
    pub(super) fn parse(report: &'a [u8; REPORT]) -> Self {
        let [a, b, c, d, kind, data @ ..] = report;
        let channel = [*a, *b, *c, *d];
        let packet = match data {
            [high, low, data @ ..] if kind & IS_FIRST != 0 => {
                let length = usize::from(u16::from_be_bytes([*high, *low]));
                Packet::First { command: kind & !IS_FIRST, length, data }
            }
            data => Packet::Next { number: *kind, data },
        };
        Self { channel, packet }
    }
}

/// The reports of a message of at most [`MAX_MESSAGE`] bytes.
pub(super) fn reports(channel: ChannelId, command: u8, message: &[u8]) -> Vec<Zeroizing<[u8; REPORT]>> {
    let (first, rest) = message.split_at_checked(FIRST_DATA).unwrap_or((message, &[]));
    let [high, low] = u16::try_from(message.len()).unwrap_or(u16::MAX).to_be_bytes();
    let mut reports = vec![report(channel, &[command | IS_FIRST, high, low], first)];
    let next = (0..IS_FIRST).zip(rest.chunks(NEXT_DATA));
    reports.extend(next.map(|(number, data)| report(channel, &[number], data)));
    reports
}

fn report(channel: ChannelId, header: &[u8], data: &[u8]) -> Zeroizing<[u8; REPORT]> {
    let mut report = Zeroizing::new([0; REPORT]);
    let all = channel.iter().chain(header).chain(data);
    report.iter_mut().zip(all).for_each(|(to, from)| *to = *from);
    report
}
