//! Trussed keys, whose FIDO interface takes the APDUs of their OATH application.

use super::target::Target;
use crate::device::{self, HidKind, Reports, hid_models};
use crate::protocol::ctaphid::Key;

/// Whether the device is the FIDO interface of such a key, which is in the table of HID devices. A FIDO interface of any other
/// key is sent nothing. Sends nothing itself.
pub(super) fn is_key(target: &Target, kind: HidKind) -> bool {
    let is_listed = |vendor, product| hid_models::kinds(vendor, product).any(|kind| kind == HidKind::Fido);
    let usb = target.attachment.usb.as_ref();
    kind == HidKind::Fido && usb.is_some_and(|usb| is_listed(usb.vendor, usb.product))
}

/// The interface as a transaction that exchanges APDUs.
pub(super) fn connect<'c>(
    target: &'c Target,
    reports: &'c mut dyn Reports,
) -> Result<Key<'c>, device::Error> {
    Ok(Key::connect(reports, &*target.clock, &target.channel)?)
}
