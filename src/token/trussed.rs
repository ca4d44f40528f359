//! Trussed keys, whose FIDO interface takes the APDUs of their OATH application.

use super::target::Target;
use crate::device::{self, HidKind, Reports};
use crate::protocol::ctaphid::Key;

/// The keys with the secrets application, by vendor and product: Nitrokey 3 and Nitrokey Passkey. A FIDO interface of any
/// other key is sent nothing. A Solo 2 offers its application over PC/SC only.
const KEYS: [(u16, u16); 2] = [(0x20a0, 0x42b2), (0x20a0, 0x42f3)];

/// Whether the device is the FIDO interface of such a key. Sends nothing.
pub(super) fn is_key(target: &Target, kind: HidKind) -> bool {
    let usb = target.attachment.usb.as_ref();
    kind == HidKind::Fido && usb.is_some_and(|usb| KEYS.contains(&(usb.vendor, usb.product)))
}

/// The interface as a transaction that exchanges APDUs.
pub(super) fn connect<'c>(
    target: &'c Target,
    reports: &'c mut dyn Reports,
) -> Result<Key<'c>, device::Error> {
    Ok(Key::connect(reports, &*target.clock, &target.channel)?)
}
