//! Trussed keys, whose FIDO interface takes the APDUs of their OATH application.

use super::target::Target;
use super::token2;
use crate::device::{self, HidKind, Reports, hid_models};
use crate::protocol::ctaphid::Key;

/// Whether the device is the FIDO interface of such a key, which is in the table of HID devices. A FIDO interface of any other
/// key is sent nothing. Sends nothing itself.
pub(super) fn is_key(target: &Target, kind: HidKind) -> bool {
    let usb = target.attachment.usb.as_ref();
    let name = usb.and_then(|usb| hid_models::name(usb.vendor, usb.product, HidKind::Fido));
    kind == HidKind::Fido && name.is_some_and(|name| name != token2::MODEL)
}

/// The interface as a transaction that exchanges APDUs.
pub(super) fn connect<'c>(
    target: &'c Target,
    reports: &'c mut dyn Reports,
) -> Result<Key<'c>, device::Error> {
    Ok(Key::connect(reports, &*target.clock, &target.channel)?)
}
