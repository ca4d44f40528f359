//! The session of the family of Token2 keys.

use super::target::Target;
use crate::device::{HidKind, Reports, Transaction, hid_models};
use crate::oath::Error;
use crate::protocol::token2::{Card, Key, Session};

/// The name of the family, and of its models in the table of HID devices.
pub(super) const FAMILY: &str = "token2";
pub(super) const MODEL: &str = "Token2 PIN+";

/// Whether the device is the FIDO interface of a Token2 key in the table of HID devices. Sends nothing.
pub(super) fn is_key(target: &Target, kind: HidKind) -> bool {
    let usb = target.attachment.usb.as_ref();
    let name = usb.and_then(|usb| hid_models::name(usb.vendor, usb.product, HidKind::Fido));
    kind == HidKind::Fido && name == Some(MODEL)
}

/// A session over the FIDO interface. A FIDO interface of any other key is sent nothing.
pub(super) fn over_hid<'c>(target: &'c Target, reports: &'c mut dyn Reports) -> Result<Session<'c>, Error> {
    let key = Key::new(reports, &*target.clock, &target.token2);
    Session::begin(Box::new(key), &*target.clock, &target.token2)
}

/// A session over a smart card reader. A card that shows nothing of a Token2 key is [`Error::NoApplication`].
pub(super) fn over_card<'c>(
    target: &'c Target,
    transaction: &'c mut dyn Transaction,
) -> Result<Session<'c>, Error> {
    let card = Card::select(transaction)?;
    Session::begin(Box::new(card), &*target.clock, &target.token2)
}
