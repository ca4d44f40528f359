//! Reports of 64 bytes: requests, and what the token shows of its state and of its last response.

use zeroize::Zeroizing;

use super::crc::checksum;
use super::error::Error;

/// The length of a report in bytes.
pub(super) const REPORT: usize = 64;

/// The last bytes of a report are the checksum of those before.
const CHECKED: usize = REPORT - 4;

/// The length of a response's data in bytes.
pub(super) const DATA: usize = 53;

/// The token is ready: the last request succeeded, or failed.
const READY: [u8; 2] = [0, 2];

/// A request.
pub(super) struct Request {
    report: Zeroizing<[u8; REPORT]>,
    checksum: u32,
    is_once: bool,
}

impl Request {
    /// A request of this command and payload, which may be up to 59 bytes long.
    pub(super) fn new(command: u8, payload: &[u8]) -> Self {
        let mut report = Zeroizing::new([0; REPORT]);
        let all = std::iter::once(command).chain(payload.iter().copied());
        report.iter_mut().take(CHECKED).zip(all).for_each(|(to, from)| *to = from);
        let checksum = checksum(report.get(..CHECKED).unwrap_or_default());
        report.iter_mut().skip(CHECKED).zip(checksum.to_le_bytes()).for_each(|(to, from)| *to = from);
        Self { report, checksum, is_once: false }
    }

    /// The same request, which must not be carried out twice.
    pub(super) fn once(self) -> Self {
        Self { is_once: true, ..self }
    }

    /// Whether the request must not be carried out twice.
    pub(super) fn is_once(&self) -> bool {
        self.is_once
    }

    pub(super) fn report(&self) -> &[u8; REPORT] {
        &self.report
    }

    /// The checksum, by which a response names its request.
    pub(super) fn checksum(&self) -> u32 {
        self.checksum
    }

    pub(super) fn command(&self) -> u8 {
        let [command, ..] = *self.report;
        command
    }
}

/// What the token shows.
pub(super) enum Shown {
    /// It works, and takes no request.
    Busy,
    /// Its last response.
    Response(Response),
}

/// A response.
pub(super) struct Response {
    /// The command of the request.
    pub(super) command: u8,
    /// The checksum of the request.
    pub(super) request: u32,
    /// 0 for success.
    pub(super) result: u8,
    /// The data, followed by zeros.
    pub(super) data: Zeroizing<[u8; DATA]>,
}

impl Shown {
    /// Reads a report of the token.
    ///
    /// The checksum is that of the report with the state 0, whatever the state is.
    pub(super) fn parse(report: &[u8; REPORT]) -> Result<Self, Error> {
        let [state, command, c0, c1, c2, c3, result, ..] = *report;
        if !READY.contains(&state) {
            return Ok(Self::Busy);
        }
        let mut checked = Zeroizing::new(*report);
        if let Some(state) = checked.first_mut() {
            *state = 0;
        }
        let (content, sum) = checked.split_at(CHECKED);
        if sum != checksum(content).to_le_bytes() {
            return Err(Error::Checksum);
        }
        let mut data = Zeroizing::new([0; DATA]);
        data.iter_mut().zip(content.iter().skip(CHECKED - DATA)).for_each(|(to, from)| *to = *from);
        let request = u32::from_le_bytes([c0, c1, c2, c3]);
        Ok(Self::Response(Response { command, request, result, data }))
    }
}
