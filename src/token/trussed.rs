//! Trussed keys, whose FIDO interface takes the APDUs of their OATH application.

use super::target::Target;
use crate::device::{Reports, self};
use crate::oath::Error;
use crate::protocol::ctaphid::Key;
use crate::protocol::ykoath::Session;

/// The keys with the secrets application, by vendor and product: Nitrokey 3 and Nitrokey Passkey. A FIDO interface of any
/// other key is sent nothing. A Solo 2 offers its application over PC/SC only.
const KEYS: [(u16, u16); 2] = [(0x20a0, 0x42b2), (0x20a0, 0x42f3)];

/// A session with the OATH application of such a key.
pub(super) fn session<'c>(target: &'c Target, reports: &'c mut dyn Reports) -> Result<Session<'c>, Error> {
    let usb = target.attachment.usb.as_ref();
    if !usb.is_some_and(|usb| KEYS.contains(&(usb.vendor, usb.product))) {
        return Err(Error::NoApplication);
    }
    let key = Key::connect(reports, &*target.clock).map_err(device::Error::from)?;
    Session::select(key)
}
