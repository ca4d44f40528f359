//! The configured slots of OTP keys.

use std::sync::{Arc, RwLock};

use super::target::Target;
use crate::config::{Hid, OtpSlot};
use crate::device::{Reports, UsbInterface};
use crate::oath::Error;
use crate::otp::{Digits, Period};
use crate::protocol::ykotp::{self, Keyboard, Session, Slot, SlotNumber};
use crate::sync::IgnorePoison;

/// The vendors of keys with such slots: Yubico, and OpenMoko, whose id OnlyKey uses.
const VENDORS: [u16; 2] = [0x1050, 0x1d50];

/// The configured slots. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct OtpSlots(Arc<RwLock<Vec<OtpSlot>>>);

impl OtpSlots {
    /// Replaces the slots by those of the configuration.
    pub fn configure(&self, hid: &Hid) {
        *self.0.write().ignore_poison() = if hid.enabled { hid.otp_slots.clone() } else { Vec::new() };
    }

    fn are_empty(&self) -> bool {
        self.0.read().ignore_poison().is_empty()
    }

    fn of(&self, serial: u32) -> Vec<Slot> {
        let slots = self.0.read().ignore_poison();
        slots.iter().filter(|slot| slot.serial == serial).map(converted).collect()
    }
}

/// A session with the configured slots of a key. A key without such slots is sent no challenge, and while no slot of any key
/// is configured, it is sent nothing.
pub(super) fn session<'c>(target: &'c Target, reports: &'c mut dyn Reports) -> Result<Session<'c>, Error> {
    let usb = target.attachment.usb.as_ref().filter(|usb| VENDORS.contains(&usb.vendor));
    let usb = usb.ok_or(Error::NoApplication)?;
    if target.otp_slots.are_empty() {
        return Err(Error::NotConfigured);
    }
    let mut keyboard = Keyboard::new(reports, &*target.clock);
    let serial = match shown_serial(usb).or_else(|| target.key_serial.get().copied()) {
        Some(serial) => serial,
        None => {
            let serial = read_serial(&mut keyboard)?;
            *target.key_serial.get_or_init(|| serial)
        }
    };
    let slots = target.otp_slots.of(serial);
    if slots.is_empty() {
        return Err(Error::NotConfigured);
    }
    Session::begin(keyboard, serial, slots)
}

/// The serial number that the key shows over USB.
fn shown_serial(usb: &UsbInterface) -> Option<u32> {
    usb.serial.as_ref()?.parse().ok()
}

fn read_serial(keyboard: &mut Keyboard<'_>) -> Result<u32, Error> {
    keyboard.serial().map_err(|error| match error {
        ykotp::Error::Refused => {
            tracing::warn!(
                "a key hides its serial number, so its slots are not used; program a slot with the option serial-api-visible"
            );
            Error::NotConfigured
        }
        error => error.into(),
    })
}

fn converted(slot: &OtpSlot) -> Slot {
    Slot {
        number: if slot.slot == 1 { SlotNumber::One } else { SlotNumber::Two },
        issuer: slot.issuer.clone(),
        account: slot.account.clone(),
        // The configuration allows no other numbers.
        digits: Digits::new(slot.digits).unwrap_or(Digits::SIX),
        period: Period::new(slot.period).unwrap_or(Period::DEFAULT),
    }
}
