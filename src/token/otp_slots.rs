//! The configured slots of OTP keys.

use std::sync::{Arc, RwLock};

use crate::config::{Hid, OtpSlot};
use crate::otp::{Digits, Period};
use crate::protocol::ykotp::{Slot, SlotNumber};
use crate::sync::IgnorePoison;

/// The configured slots. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct OtpSlots(Arc<RwLock<Vec<OtpSlot>>>);

impl OtpSlots {
    /// Replaces the slots by those of the configuration.
    pub fn configure(&self, hid: &Hid) {
        *self.0.write().ignore_poison() = if hid.enabled { hid.otp_slots.clone() } else { Vec::new() };
    }

    pub(super) fn are_empty(&self) -> bool {
        self.0.read().ignore_poison().is_empty()
    }

    pub(super) fn of(&self, serial: u32) -> Vec<Slot> {
        let slots = self.0.read().ignore_poison();
        slots.iter().filter(|slot| slot.serial == serial).map(converted).collect()
    }
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
