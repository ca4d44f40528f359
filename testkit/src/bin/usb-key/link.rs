//! What the key sends to the kernel: answers of USB/IP, and input of the FIDO and the smart card interface.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, Write};
use std::os::unix::net::UnixStream;

/// The answers of USB/IP.
pub(super) const RET_SUBMIT: u32 = 3;
const RET_UNLINK: u32 = 4;

/// An error number of the kernel, negative.
const ECONNRESET: i32 = -104;

/// The endpoints of the FIDO interface and of the smart card interface, without their direction.
pub(super) const FIDO: u32 = 2;
pub(super) const CCID: u32 = 3;

pub(super) struct Link {
    socket: UnixStream,
    /// For each endpoint the requests for input that wait, oldest first: number, length.
    waiting: BTreeMap<u32, VecDeque<(u32, u32)>>,
    /// For each endpoint the input that no request has taken, oldest first.
    input: BTreeMap<u32, VecDeque<Vec<u8>>>,
}

impl Link {
    pub(super) fn new(socket: UnixStream) -> Self {
        Self { socket, waiting: BTreeMap::new(), input: BTreeMap::new() }
    }

    /// Answers a request for input when there is some.
    pub(super) fn await_input(&mut self, endpoint: u32, number: u32, length: u32) -> io::Result<()> {
        self.waiting.entry(endpoint).or_default().push_back((number, length));
        self.pass_input(endpoint)
    }

    /// Sends input of an endpoint: a report, or a message.
    pub(super) fn send_input(&mut self, endpoint: u32, input: &[u8]) -> io::Result<()> {
        self.input.entry(endpoint).or_default().push_back(input.to_vec());
        self.pass_input(endpoint)
    }

    fn pass_input(&mut self, endpoint: u32) -> io::Result<()> {
        while let Some(inputs) = self.input.get_mut(&endpoint).filter(|inputs| !inputs.is_empty()) {
            let request = self.waiting.get_mut(&endpoint).and_then(VecDeque::pop_front);
            let Some((number, length)) = request else { break };
            let mut input = inputs.pop_front().unwrap_or_default();
            input.truncate(length as usize);
            self.reply(RET_SUBMIT, number, 0, input.len() as u32, &input)?;
        }
        Ok(())
    }

    /// Cancels a request for input.
    pub(super) fn unlink(&mut self, number: u32, cancelled: u32) -> io::Result<()> {
        let mut status = 0;
        for waiting in self.waiting.values_mut() {
            if let Some(place) = waiting.iter().position(|(waiting, _)| *waiting == cancelled) {
                waiting.remove(place);
                status = ECONNRESET;
            }
        }
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
