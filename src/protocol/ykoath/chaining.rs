//! Responses in several frames: `61xx`, then the rest on request.
//!
//! YKOATH has its own instruction for the rest, A5. Tokens of the Trussed family support only C0 of ISO 7816. A token may
//! refuse the wrong instruction, or return an empty response as if that were the end.

use zeroize::Zeroizing;

use super::error::{malformed, refused};
use super::{calculate_all, list};
use crate::device::{Progress, Transaction};
use crate::iso7816::{Command, Response, Status, status};
use crate::oath::Error;

const SEND_REMAINING: u8 = 0xa5;
const GET_RESPONSE: u8 = 0xc0;
const MAX_BYTES: usize = 65_536;
/// Enough for the most bytes in frames of 254 bytes, as YubiKeys send them.
const MAX_ROUNDS: usize = 300;

/// Whether a command may be sent again if its response could not be fetched.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeat {
    Allowed,
    /// It has an effect, or requires a touch.
    Never,
}

/// A transaction that returns whole responses.
pub(super) struct Channel<'t> {
    transaction: &'t mut dyn Transaction,
    continuation: u8,
}

impl<'t> Channel<'t> {
    pub(super) fn new(transaction: &'t mut dyn Transaction) -> Self {
        Self { transaction, continuation: SEND_REMAINING }
    }

    /// Sends a command and fetches its whole response; the status is never `61xx`.
    pub(super) fn send(
        &mut self,
        command: &Command,
        repeat: Repeat,
        progress: &dyn Progress,
    ) -> Result<Response, Error> {
        loop {
            let first = self.transaction.transmit(command, progress)?;
            if is_list(command) && first.status.more_data() && first.data.is_empty() {
                // A Nitrokey 3 over CCID loses the first page of a long list and sends the rest as if it were all.
                return Err(Error::ListIncomplete);
            }
            if let Some(response) = self.fetch_rest(first, progress)? {
                return Ok(response);
            }
            if repeat == Repeat::Never || self.continuation == GET_RESPONSE {
                return Err(malformed("the token does not send the rest of its response"));
            }
            self.continuation = GET_RESPONSE;
        }
    }

    /// Fetches the rest; `None` if the token does not support the instruction for that.
    fn fetch_rest(&mut self, first: Response, progress: &dyn Progress) -> Result<Option<Response>, Error> {
        let mut whole = first;
        let command = Command::bare(self.continuation, 0, 0);
        for round in 0..MAX_ROUNDS {
            if !whole.status.more_data() {
                return Ok(Some(whole));
            }
            let next = self.transaction.transmit(&command, progress)?;
            if round == 0 && refuses_continuation(&next) {
                return Ok(None);
            }
            if next.status != Status::OK && !next.status.more_data() {
                return Err(refused(self.continuation, next.status));
            }
            if next.data.is_empty() && next.status.more_data() {
                return Err(malformed("the response has an empty frame"));
            }
            whole = join(&whole, &next)?;
        }
        Err(malformed("the response does not end"))
    }
}

/// Whether the response to a command is a list of credentials.
fn is_list(command: &Command) -> bool {
    let is_all = command.instruction() == calculate_all::INSTRUCTION && command.p1() == calculate_all::P1;
    command.instruction() == list::INSTRUCTION || is_all
}

/// Whether a response refuses the continuation. The token announced more data, so an empty success is a refusal as well.
fn refuses_continuation(response: &Response) -> bool {
    match response.status {
        Status::OK => response.data.is_empty(),
        status::INSTRUCTION_NOT_SUPPORTED
        | status::CONDITIONS_NOT_SATISFIED
        | status::INCORRECT_P1_P2
        | status::FUNCTION_NOT_SUPPORTED => true,
        _ => false,
    }
}

fn join(whole: &Response, next: &Response) -> Result<Response, Error> {
    if whole.data.len() + next.data.len() > MAX_BYTES {
        return Err(malformed("the response is longer than 65,536 bytes"));
    }
    let mut data = Zeroizing::new(Vec::with_capacity(whole.data.len() + next.data.len()));
    data.extend_from_slice(&whole.data);
    data.extend_from_slice(&next.data);
    Ok(Response { data: std::mem::take(&mut *data), status: next.status })
}
