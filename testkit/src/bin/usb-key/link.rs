//! What the key sends to the kernel: answers of USB/IP, and the reports of the FIDO interface.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::os::unix::net::UnixStream;

/// The answers of USB/IP.
pub(super) const RET_SUBMIT: u32 = 3;
const RET_UNLINK: u32 = 4;

/// An error number of the kernel, negative.
const ECONNRESET: i32 = -104;

/// The endpoint of the FIDO interface, without its direction.
pub(super) const FIDO: u32 = 2;

pub(super) struct Link {
    socket: UnixStream,
    /// The requests for input that wait: endpoint, number, length.
    waiting: VecDeque<(u32, u32, u32)>,
    /// The reports of the FIDO interface that no request has taken, oldest first.
    reports: VecDeque<Vec<u8>>,
}

impl Link {
    pub(super) fn new(socket: UnixStream) -> Self {
        Self { socket, waiting: VecDeque::new(), reports: VecDeque::new() }
    }

    /// Answers a request for input when there is some.
    pub(super) fn await_input(&mut self, endpoint: u32, number: u32, length: u32) -> io::Result<()> {
        self.waiting.push_back((endpoint, number, length));
        self.pass_reports()
    }

    /// Sends a report of the FIDO interface.
    pub(super) fn send_report(&mut self, report: &[u8]) -> io::Result<()> {
        self.reports.push_back(report.to_vec());
        self.pass_reports()
    }

    fn pass_reports(&mut self) -> io::Result<()> {
        while !self.reports.is_empty() {
            let place = self.waiting.iter().position(|(endpoint, ..)| *endpoint == FIDO);
            let Some((_, number, length)) = place.and_then(|place| self.waiting.remove(place)) else { break };
            let mut report = self.reports.pop_front().unwrap_or_default();
            report.truncate(length as usize);
            self.reply(RET_SUBMIT, number, 0, report.len() as u32, &report)?;
        }
        Ok(())
    }

    /// Cancels a request for input.
    pub(super) fn unlink(&mut self, number: u32, cancelled: u32) -> io::Result<()> {
        let before = self.waiting.len();
        self.waiting.retain(|(_, waiting, _)| *waiting != cancelled);
        let status = if self.waiting.len() < before { ECONNRESET } else { 0 };
        self.reply(RET_UNLINK, number, status, 0, &[])
    }

    pub(super) fn reply(
        &mut self,
        command: u32,
        number: u32,
        status: i32,
        length: u32,
        data: &[u8],
    ) -> io::Result<()> {
        let words = [command, number, 0, 0, 0, status.cast_unsigned(), length, 0, 0, 0, 0, 0];
        let mut message: Vec<_> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
        message.extend(data);
        self.socket.write_all(&message)
    }
}
