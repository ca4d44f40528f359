//! A smart card whose responses are the input.
//!
//! The first byte says whether the card repeats its last response after the end (255) or is gone. The rest is a list of
//! steps. The lower half of a step's first byte is its kind. BYTES is a number of bytes in one byte, and these bytes.
//!
//! | kind | what follows | the response |
//! |---|---|---|
//! | 0, 10 to 15 | BYTES | these bytes and 9000 |
//! | 1 | BYTES, count | these bytes and 61xx |
//! | 2 | BYTES | exactly these bytes, the status word included |
//! | 3 | 2 bytes | this status word |
//! | 4 | | the proof that VALIDATE asks for |
//! | 5 | BYTES | these bytes 2ⁿ times and 9000, where n is the upper half of the step |
//! | 6 | BYTES, count | the same with 61xx |
//! | 7 | | none: another program has reset the card |
//! | 8 | times | the last response, and again so many times |
//! | 9 | BYTES, 2 bytes | these bytes and this status word |

use oathbridge::device::{Error, Progress, Transaction};
use oathbridge::iso7816::{Command, Response, Status, tlv};
use oathbridge::otp::Algorithm;

use super::super::input::Input;

const VALIDATE: u8 = 0xa3;
const CALCULATE: u8 = 0xa2;
const CHALLENGE: u8 = 0x74;
const FULL_RESPONSE: u8 = 0x75;

/// The instructions that fetch the rest of a response.
const CONTINUATIONS: [u8; 2] = [0xa5, 0xc0];

/// The most bytes of one part of a response. PC/SC allows 65,536, which are too many for a run.
const MAX_PART: usize = 8_192;

/// The access key of the card.
pub(super) const KEY: [u8; 16] = [7; 16];

/// A card that answers as its script says. After the end it repeats its last response, or is gone.
pub(super) struct ScriptedCard {
    script: Vec<u8>,
    /// The number of bytes of the script that were read.
    read: usize,
    stays: bool,
    last: Response,
    /// The number of further times that the last response comes.
    repeats: u8,
    /// The number of commands, and of those that advance a counter.
    pub(super) commands: usize,
    pub(super) counts: usize,
    /// The data since the last command that fetches no rest.
    pub(super) data: Vec<u8>,
}

impl ScriptedCard {
    pub(super) fn new(script: &[u8]) -> Self {
        Self {
            stays: script.first() == Some(&u8::MAX),
            script: script.to_vec(),
            read: 1.min(script.len()),
            last: Response { data: Vec::new(), status: Status::OK },
            repeats: 0,
            commands: 0,
            counts: 0,
            data: Vec::new(),
        }
    }

    fn next(&mut self, command: &[u8]) -> Result<Response, Error> {
        if self.repeats > 0 {
            self.repeats -= 1;
            return Ok(self.last.clone());
        }
        let script = std::mem::take(&mut self.script);
        let mut rest = Input::new(script.get(self.read..).unwrap_or_default());
        let response = self.step(&mut rest, command);
        self.read = script.len() - rest.length();
        self.script = script;
        response
    }

    /// The response of the next step.
    fn step(&mut self, bytes: &mut Input<'_>, command: &[u8]) -> Result<Response, Error> {
        let Some(step) = bytes.next_byte() else {
            return if self.stays { Ok(self.last.clone()) } else { Err(Error::Removed) };
        };
        let more = |bytes: &mut Input<'_>| [0x61, bytes.byte()];
        let (data, status) = match step & 0x0f {
            1 => (bytes.counted().to_vec(), more(bytes)),
            2 => return Response::from_bytes(bytes.counted()).map_err(|_| Error::Removed),
            3 => (Vec::new(), bytes.array()),
            4 => (proof(command), [0x90, 0]),
            5 => (long(bytes, step), [0x90, 0]),
            6 => (long(bytes, step), more(bytes)),
            7 => return Err(Error::Reset),
            8 => {
                self.repeats = bytes.byte();
                return Ok(self.last.clone());
            }
            9 => (bytes.counted().to_vec(), bytes.array()),
            _ => (bytes.counted().to_vec(), [0x90, 0]),
        };
        Ok(Response { data, status: Status(u16::from_be_bytes(status)) })
    }
}

/// A part that repeats itself.
fn long(bytes: &mut Input<'_>, step: u8) -> Vec<u8> {
    let part = bytes.counted();
    let mut data = part.repeat(1 << (step >> 4));
    data.truncate(MAX_PART);
    data
}

/// The response to VALIDATE that proves the knowledge of the key.
fn proof(command: &[u8]) -> Vec<u8> {
    let data = command.get(5..command.len() - 1).unwrap_or_default();
    let challenge = tlv::read(data).flatten().find(|element| element.tag == CHALLENGE);
    let answer = Algorithm::Sha1.hmac(&KEY, challenge.map_or(&[], |element| element.value));
    [&[FULL_RESPONSE, 20], &answer[..]].concat()
}

/// Whether a command calculates the code of a counter.
fn advances_counter(command: &[u8]) -> bool {
    command[1] == CALCULATE && command.ends_with(&[CHALLENGE, 0, 0])
}

impl Transaction for ScriptedCard {
    fn transmit(&mut self, command: &Command, _: &dyn Progress) -> Result<Response, Error> {
        let bytes = command.to_bytes();
        assert!(bytes.len() <= 261, "a command of {} bytes", bytes.len());
        self.commands += 1;
        self.counts += usize::from(advances_counter(&bytes));
        assert!(command.instruction() != VALIDATE || bytes.len() > 6, "VALIDATE without a proof");
        let response = self.next(&bytes)?;
        if !CONTINUATIONS.contains(&command.instruction()) {
            self.data.clear();
        }
        self.data.extend(&response.data);
        self.last = response.clone();
        Ok(response)
    }
}
