//! What the inbound filter does not deliver.

use zbus::DBusError;
use zbus::message::{Flags, Header, Message};

use crate::dbus::error::Error;

/// A message that the inbound filter diverted.
#[derive(Debug)]
pub(in crate::dbus) enum Diverted {
    /// A call to an object that may appear in a moment.
    Call(Message),
    /// The reply to a call that is not served.
    Refusal(Message),
}

/// The refusal of a call; `None` if it wants no reply.
pub(super) fn refusal(header: &Header<'_>, error: &Error) -> Option<Diverted> {
    let wants_reply = !header.primary().flags().contains(Flags::NO_REPLY_EXPECTED);
    wants_reply.then(|| error.create_reply(header).ok()).flatten().map(Diverted::Refusal)
}
