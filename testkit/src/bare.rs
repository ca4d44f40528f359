//! The minimum work of a request to a token: only the PC/SC calls.

use std::ffi::CString;
use std::io;
use std::time::{SystemTime, UNIX_EPOCH};

use pcsc::{Card, Context, Disposition, PNP_NOTIFICATION, Protocols, ReaderState, Scope, ShareMode, State};

/// SELECT of the YKOATH application.
pub(crate) const SELECT: &[u8] =
    &[0x00, 0xa4, 0x04, 0x00, 0x07, 0xa0, 0x00, 0x00, 0x05, 0x27, 0x21, 0x01, 0x00];

/// The maximum length of a response to a short command, in bytes, with its status word.
const MAX_RESPONSE_BYTES: usize = 258;

/// The time step of codes that are not used.
const STEP: u64 = 56_666_666;

/// A reader, and the context of all requests to it.
pub struct Reader {
    context: Context,
    name: CString,
}

impl Reader {
    /// The reader of this name.
    ///
    /// # Errors
    ///
    /// If the smart card service is not running.
    pub fn new(name: &str) -> io::Result<Self> {
        let name = CString::new(name).map_err(io::Error::other)?;
        Ok(Self { context: Context::establish(Scope::User).map_err(io::Error::other)?, name })
    }

    /// The current six-digit code of the credential with this name. Connects, selects, calculates and disconnects, in one
    /// transaction.
    ///
    /// # Errors
    ///
    /// If the token is not attached, or if its response is invalid.
    pub fn code(&self, credential: &str) -> io::Result<String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(io::Error::other)?;
        let answers = self.exchange(&[SELECT.to_vec(), calculate(credential, now.as_secs() / 30)?])?;
        match answers.last().map(Vec::as_slice) {
            Some(&[0x76, 0x05, 6, a, b, c, d, 0x90, 0x00]) => {
                Ok(format!("{:06}", (u32::from_be_bytes([a, b, c, d]) & 0x7fff_ffff) % 1_000_000))
            }
            answer => Err(io::Error::other(format!("this is no code of six digits: {answer:02x?}"))),
        }
    }

    /// The responses to these commands, which are sent in one transaction.
    ///
    /// # Errors
    ///
    /// If the token is not attached.
    pub fn exchange(&self, commands: &[Vec<u8>]) -> io::Result<Vec<Vec<u8>>> {
        let protocols = Protocols::T0 | Protocols::T1;
        let card =
            self.context.connect(&self.name, ShareMode::Shared, protocols).map_err(io::Error::other)?;
        let (card, answers) = in_transaction(card, commands);
        let disconnected = card.disconnect(Disposition::LeaveCard);
        let answers = answers.map_err(io::Error::other)?;
        disconnected.map_err(|(_, error)| io::Error::other(error))?;
        Ok(answers)
    }

    /// Waits until the reader has a card, or has none.
    ///
    /// # Errors
    ///
    /// If the smart card service stops.
    pub fn wait(&self, is_present: bool) -> io::Result<()> {
        let mut states = [
            ReaderState::new(PNP_NOTIFICATION(), State::UNAWARE),
            ReaderState::new(self.name.clone(), State::UNAWARE),
        ];
        loop {
            self.context.get_status_change(None, &mut states).map_err(io::Error::other)?;
            let [_, reader] = &states;
            if reader.event_state().contains(State::PRESENT) == is_present {
                return Ok(());
            }
            states.iter_mut().for_each(ReaderState::sync_current_state);
        }
    }
}

fn in_transaction(mut card: Card, commands: &[Vec<u8>]) -> (Card, Result<Vec<Vec<u8>>, pcsc::Error>) {
    let answers = card.transaction().and_then(|transaction| {
        let mut buffer = [0; MAX_RESPONSE_BYTES];
        let answer = |command: &Vec<u8>| transaction.transmit(command, &mut buffer).map(<[u8]>::to_vec);
        let answers = commands.iter().map(answer).collect::<Result<_, _>>();
        transaction.end(Disposition::LeaveCard).map_err(|(_, error)| error)?;
        answers
    });
    (card, answers)
}

/// CALCULATE with a truncated response.
pub(crate) fn calculate(credential: &str, step: u64) -> io::Result<Vec<u8>> {
    let length = |bytes: &[u8]| u8::try_from(bytes.len()).map_err(io::Error::other);
    let name = [&[0x71, length(credential.as_bytes())?], credential.as_bytes()].concat();
    let data = [&name, [0x74, 8].as_slice(), &step.to_be_bytes()].concat();
    Ok([[0x00, 0xa2, 0x00, 0x01, length(&data)?].as_slice(), &data, &[0x00]].concat())
}

/// The command with this header that a client sends to read a token: SELECT, LIST, CALCULATE ALL, or SEND REMAINING.
///
/// # Errors
///
/// If the header is that of another command.
pub fn command(header: [u8; 4]) -> io::Result<Vec<u8>> {
    match header {
        [0x00, 0xa4, 0x04, 0x00] => Ok(SELECT.to_vec()),
        [0x00, 0xa4, 0x00, p2] => {
            Ok([[0x00, 0xa4, 0x00, p2, 10, 0x74, 8].as_slice(), &STEP.to_be_bytes(), &[0x00]].concat())
        }
        [0x00, 0xa1 | 0xa5 | 0xc0, _, _] => Ok([header.as_slice(), &[0x00]].concat()),
        header => Err(io::Error::other(format!("no command of a client that reads a token: {header:02x?}"))),
    }
}
