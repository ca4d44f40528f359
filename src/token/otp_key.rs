//! The session of the family of OTP keys, with the configured slots of one key.

use super::target::Target;
use crate::device::{self, HidKind, Reports, UsbInterface, hid_models};
use crate::oath::Error;
use crate::protocol::ykotp::{self, Keyboard, Session};

/// A session with the configured slots of a key. A key without such slots is sent no challenge, and while no slot of any key
/// is configured, it is sent nothing.
pub(super) fn session<'c>(target: &'c Target, reports: &'c mut dyn Reports) -> Result<Session<'c>, Error> {
    let usb = target.attachment.usb.as_ref().filter(|usb| has_slots(usb));
    let usb = usb.ok_or(Error::NoApplication)?;
    if target.otp_slots.are_empty() {
        return Err(Error::NotConfigured);
    }
    let mut keyboard = Keyboard::of_insertion(reports, &*target.clock, &target.lost_wait);
    let serial = match shown_serial(usb).or_else(|| target.key_serial.get().copied()) {
        Some(serial) => serial,
        None => {
            let serial = read_serial(target, &mut keyboard)?;
            *target.key_serial.get_or_init(|| serial)
        }
    };
    let slots = target.otp_slots.of(serial);
    if slots.is_empty() {
        return Err(Error::NotConfigured);
    }
    Session::begin(keyboard, serial, slots)
}

/// Whether a key of this vendor and model has slots.
fn has_slots(usb: &UsbInterface) -> bool {
    hid_models::kinds(usb.vendor, usb.product).any(|kind| kind == HidKind::Keyboard)
}

/// The serial number that the key shows over USB.
fn shown_serial(usb: &UsbInterface) -> Option<u32> {
    usb.serial.as_ref()?.parse().ok()
}

/// The first refusal may come from a request of another program, so the key counts as busy and is read again later.
fn read_serial(target: &Target, keyboard: &mut Keyboard<'_>) -> Result<u32, Error> {
    keyboard.serial().map_err(|error| match error {
        ykotp::Error::Refused if target.has_refused_serial.set(()).is_ok() => {
            Error::Device(device::Error::Busy)
        }
        ykotp::Error::Refused => {
            tracing::warn!(
                "a key hides its serial number, so its slots are not used; program a slot with the option serial-api-visible"
            );
            Error::NotConfigured
        }
        error => error.into(),
    })
}
