//! The application behind a smart card reader.

use zeroize::Zeroizing;

use super::carrier::{Carrier, Wait};
use super::error::{malformed, means_unknown};
use super::serial;
use crate::device::{NoProgress, Progress, Transaction};
use crate::iso7816::{Aid, Command, Response, Status, status};
use crate::oath::Error;

/// GET RESPONSE (ISO/IEC 7816-4 §7.6.1).
const GET_RESPONSE: u8 = 0xc0;

/// The maximum number of parts of a response, and its maximum length in bytes.
const MAX_PARTS: usize = 64;
const MAX_BYTES: usize = 16_384;

/// A selection of the application within one transaction.
pub struct Card<'t> {
    transaction: &'t mut dyn Transaction,
}

impl<'t> Card<'t> {
    /// Selects the application.
    ///
    /// # Errors
    ///
    /// [`Error::NoApplication`] if the card has none; [`Error::Malformed`] or [`Error::Device`] otherwise. Success is no proof
    /// of the application, because some cards accept every name.
    pub fn select(transaction: &'t mut dyn Transaction) -> Result<Self, Error> {
        let mut card = Self { transaction };
        match card.send(&Aid::TOKEN2.select(), &NoProgress)?.status {
            Status::OK => Ok(card),
            status::NOT_FOUND | status::SELECT_FAILED => Err(Error::NoApplication),
            status if means_unknown(status) => Err(Error::NoApplication),
            status => Err(Error::NotSelected(format!("the selection was refused with status {status}"))),
        }
    }

    /// Sends a command, once more with another Le if the card asks for that, and fetches the rest of its response.
    fn send(&mut self, command: &Command, progress: &dyn Progress) -> Result<Response, Error> {
        let mut part = self.transaction.transmit(command, progress)?;
        if let [0x6c, length] = part.status.0.to_be_bytes() {
            // ISO/IEC 7816-4 §5.1: the card has not carried out the command.
            part = self.transaction.transmit(&command.clone().with_le(Some(length)), progress)?;
        }
        let mut data = Zeroizing::new(Vec::with_capacity(MAX_BYTES));
        for _ in 0..MAX_PARTS {
            if data.len() + part.data.len() > MAX_BYTES {
                return Err(malformed("the response is longer than 16,384 bytes"));
            }
            data.extend_from_slice(&part.data);
            let [0x61, length] = part.status.0.to_be_bytes() else {
                return Ok(Response { data: std::mem::take(&mut *data), status: part.status });
            };
            let rest = Command::bare(GET_RESPONSE, 0, 0).with_le(Some(length));
            part = self.transaction.transmit(&rest, &NoProgress)?;
            if part.status != Status::OK && !part.status.more_data() {
                return Err(malformed("the card does not send the rest of its response"));
            }
        }
        Err(malformed("the response does not end"))
    }
}

impl Carrier for Card<'_> {
    fn exchange(&mut self, command: &Command, _: Wait, progress: &dyn Progress) -> Result<Response, Error> {
        self.send(command, progress)
    }

    fn needs_proof(&self) -> bool {
        true
    }

    /// Some firmware has the serial number in its FIDO application, where the vendor's programs read it. Some of it refuses to
    /// select that one and does it.
    fn read_serial(&mut self, command: &Command, progress: &dyn Progress) -> Result<Response, Error> {
        let response = self.send(command, progress)?;
        if is_told(&response) {
            return Ok(response);
        }
        self.send(&Aid::FIDO.select(), progress)?;
        let other = self.send(command, progress)?;
        match self.send(&Aid::TOKEN2.select(), progress)?.status {
            Status::OK if is_told(&other) => Ok(other),
            Status::OK => Ok(response),
            _ => Err(malformed("the card does not select its application again")),
        }
    }
}

fn is_told(response: &Response) -> bool {
    matches!(serial::parse(response), Ok(Some(_)))
}
