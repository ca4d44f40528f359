//! Open cards: the one place that owns them, since the pcsc crate resets what it merely drops.

use std::ffi::OsStr;

use pcsc::{Disposition, ShareMode};
use zeroize::{Zeroize, Zeroizing};

use super::contexts::Lease;
use super::error::{from_pcsc, service_is_gone};
use super::open_readers::OpenReader;
use super::{PROTOCOLS, connect_lock};
use crate::device::{Device, Error, Progress, Transaction};
use crate::iso7816::{Command, Response};
use crate::transport::trace;

/// 65,536 bytes and a status word: some cards answer a short command at length.
const LONGEST_ANSWER: usize = 65_538;

/// An open card and what its answers are received into.
pub(super) struct PcscDevice {
    card: Guard,
    /// After the card, since fields are dropped in order: another connection may begin when this one has ended.
    reader: OpenReader,
    /// The bytes of an answer are wiped at once; wiping all of the buffer byte by byte takes longer than a fast card.
    buffer: Vec<u8>,
}

impl PcscDevice {
    pub(super) fn new(card: pcsc::Card, lease: Lease, reader: OpenReader) -> Self {
        Self { card: Guard(Some((card, lease))), reader, buffer: vec![0; LONGEST_ANSWER] }
    }
}

impl Device for PcscDevice {
    fn transaction(&mut self) -> Result<Box<dyn Transaction + '_>, Error> {
        let (card, _) = self.card.0.as_mut().ok_or(Error::Removed)?;
        let inner = begin(card).map_err(from_pcsc)?;
        Ok(Box::new(PcscTransaction { inner, reader: self.reader.name(), buffer: &mut self.buffer }))
    }
}

/// Somebody else's reset is no reason to fail here: nothing was sent yet.
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
    reader: &'d OsStr,
    buffer: &'d mut Vec<u8>,
}

impl Transaction for PcscTransaction<'_> {
    fn transmit(&mut self, command: &Command, _: &dyn Progress) -> Result<Response, Error> {
        let Self { inner, reader, buffer } = self;
        trace::exchange(reader, command, || {
            let sent = Zeroizing::new(command.to_bytes());
            let received = inner.transmit(&sent, buffer).map_err(from_pcsc)?;
            let length = received.len();
            // A card that is torn out answers with success and nothing.
            let response = Response::from_bytes(received).map_err(|_| Error::Removed);
            if let Some(used) = buffer.get_mut(..length) {
                used.zeroize();
            }
            response
        })
    }
}

/// Leaves the card as it was found.
struct Guard(Option<(pcsc::Card, Lease)>);

impl Drop for Guard {
    fn drop(&mut self) {
        let Some((card, lease)) = self.0.take() else { return };
        let _lock = connect_lock::hold();
        let Err((card, error)) = card.disconnect(Disposition::LeaveCard) else { return lease.give_back() };
        if service_is_gone(error) {
            // There is nobody left to reset the card for us, and its context would leak otherwise.
            drop(card);
        } else {
            tracing::warn!(%error, "a card could not be disconnected");
            std::mem::forget(card);
        }
    }
}
