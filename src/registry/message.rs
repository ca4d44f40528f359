//! What the transports, the workers and the callers tell the registry's task.

use tokio::sync::oneshot;

use super::device::Waiter;
use super::snapshot::DeviceKey;
use crate::device::Presence;
use crate::token::{Event, Token};

/// An attached device, as its worker and its readings name it.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    pub(super) key: DeviceKey,
    /// The number of the attachment. A device that is attached again has the same key and another number.
    pub(super) attachment: u64,
}

/// A message to the keeper. Messages are handled in the order in which they were sent.
#[derive(Debug)]
pub(super) enum Message {
    /// The transports are known.
    Opened,
    /// The devices of the transport with this index.
    Presence(usize, Presence),
    /// An event of the worker of this device.
    Event(Origin, Box<Event>),
    /// The first reading of this device has lasted for a second since the device told that it has an application.
    Slow(Origin),
    /// A reading of this device has ended. Its events were sent before this message.
    ReadingEnded(Origin),
    /// A caller needs a token that is missing. The waiter is answered after each transport has rescanned and each device
    /// whose reading failed has been read again.
    Rescan(Waiter),
    /// The rescan of the transport with this index has ended. Its presence was sent before this message.
    RescanEnded(usize),
    /// The waiter is answered after the effects of all earlier messages have been published.
    Barrier(Waiter),
    /// The sender gets the handles to the devices that are no token and may become one: those without a reader when the
    /// configuration changes, and if the first value is true, cards that did not say whether they have an application.
    Unused(bool, oneshot::Sender<Vec<Token>>),
}
