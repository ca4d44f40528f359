//! Open cards. Only this file owns a `pcsc::Card`, because dropping one resets the card.

use std::ffi::OsStr;

use pcsc::{Disposition, ShareMode};
use zeroize::{Zeroize, Zeroizing};

use super::card_status::CardStatus;
use super::contexts::Lease;
use super::error::{from_pcsc, service_is_gone};
use super::open_readers::OpenReader;
use super::{PROTOCOLS, connect_lock, t0};
use crate::device::{Device, Error, Progress, Transaction};
use crate::iso7816::{Command, Response, Status};
use crate::transport::trace;

/// The maximum length of a response, in bytes: 65,536 bytes of data and a status word. Some cards send a long response to a
/// short command.
const MAX_RESPONSE_BYTES: usize = 65_538;

/// An open card, and the buffer for its responses.
pub(super) struct PcscDevice {
    card: Guard,
    /// Must stay below `card`: fields are dropped in order, and the reader is released after the card is disconnected.
    reader: OpenReader,
    /// Only the bytes of a response are wiped after each command, because wiping the whole buffer takes longer than a fast
    /// card.
    buffer: Vec<u8>,
}

impl PcscDevice {
    pub(super) fn new(card: pcsc::Card, lease: Lease, reader: OpenReader) -> Self {
        Self { card: Guard(Some((card, lease))), reader, buffer: vec![0; MAX_RESPONSE_BYTES] }
    }
}

impl Device for PcscDevice {
    fn transaction(&mut self) -> Result<Box<dyn Transaction + '_>, Error> {
        let (card, lease) = self.card.0.as_mut().ok_or(Error::Removed)?;
        let inner = begin(card).map_err(from_pcsc)?;
        // Another program may have made the card use another protocol. A card that does not succeed is asked again.
        let status = match lease.status.take().filter(|status| status.is_proved) {
            Some(status) => CardStatus { is_proved: false, ..status },
            None => CardStatus::ask(&inner).map_err(from_pcsc)?,
        };
        let (status, reader, buffer) = (lease.status.insert(status), self.reader.name(), &mut self.buffer);
        Ok(Box::new(PcscTransaction { inner, status, reader, buffer }))
    }
}

/// Begins a transaction. A reset by another program is not an error, because no command has been sent yet.
fn begin(card: &mut pcsc::Card) -> Result<pcsc::Transaction<'_>, pcsc::Error> {
    match card.transaction2() {
        Ok(transaction) => Ok(transaction),
        Err((card, pcsc::Error::ResetCard)) => {
            card.reconnect(ShareMode::Shared, PROTOCOLS, Disposition::LeaveCard)?;
            card.transaction()
        }
        Err((_, error)) => Err(error),
    }
}

struct PcscTransaction<'d> {
    inner: pcsc::Transaction<'d>,
    status: &'d mut CardStatus,
    reader: &'d OsStr,
    buffer: &'d mut Vec<u8>,
}

impl PcscTransaction<'_> {
    fn send(&mut self, command: &Command) -> Result<Response, Error> {
        let Self { inner, reader, buffer, .. } = self;
        trace::exchange(reader, command, || {
            let sent = Zeroizing::new(command.to_bytes());
            let received = inner.transmit(&sent, buffer).map_err(from_pcsc)?;
            let length = received.len();
            // When a card is pulled out, pcscd may report success with an empty response.
            let response = Response::from_bytes(received).map_err(|_| Error::Removed);
            if let Some(used) = buffer.get_mut(..length) {
                used.zeroize();
            }
            response
        })
    }
}

impl Transaction for PcscTransaction<'_> {
    fn transmit(&mut self, command: &Command, _: &dyn Progress) -> Result<Response, Error> {
        let response = match self.status.is_t0 {
            true => t0::exchange(command, |command| self.send(command)),
            false => self.send(command),
        }?;
        if response.status == Status::OK {
            self.status.is_proved = true;
        }
        Ok(response)
    }
}

/// Disconnects the card without a reset when it is dropped.
struct Guard(Option<(pcsc::Card, Lease)>);

impl Drop for Guard {
    fn drop(&mut self) {
        let Some((card, lease)) = self.0.take() else { return };
        let _lock = connect_lock::hold();
        let Err((card, error)) = card.disconnect(Disposition::LeaveCard) else { return lease.give_back() };
        if service_is_gone(error) {
            // Without the service, dropping the card cannot reset it; forgetting it would leak its context.
            drop(card);
        } else {
            tracing::warn!(%error, "a card could not be disconnected");
            std::mem::forget(card);
        }
    }
}
