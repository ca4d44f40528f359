//! The session of the family of Nitrokey Pro keys.

use super::target::Target;
use crate::device::{HidKind, Reports, hid_models};
use crate::oath::Error;
use crate::protocol::nitrokey_pro::{Key, Model, Session};

/// The name of the family.
pub(super) const FAMILY: &str = "nitrokeypro";

/// The name of the model whose firmware has version numbers of its own.
const STORAGE: &str = "Nitrokey Storage";

/// A session with the slots of a key in the table of HID devices. Any other device is sent nothing.
pub(super) fn session<'c>(target: &'c Target, reports: &'c mut dyn Reports) -> Result<Session<'c>, Error> {
    let usb = target.attachment.usb.as_ref().ok_or(Error::NoApplication)?;
    let name = hid_models::name(usb.vendor, usb.product, HidKind::NitrokeyPro).ok_or(Error::NoApplication)?;
    let model = if name == STORAGE { Model::Storage } else { Model::Pro };
    let session = Session::begin(Key::open(reports, &*target.clock)?, model, usb.serial.as_deref())?;
    Ok(session.with_attempts(&target.attempts))
}
