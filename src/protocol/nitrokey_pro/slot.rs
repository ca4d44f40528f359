//! The slots of the token.

use std::fmt;

use super::report::DATA;
use crate::otp::{Digits, Period};
use crate::text::escape;

/// The numbers of slots. A fourth HOTP slot of some firmware gives no codes, and is not counted.
const HOTP_SLOTS: u8 = 3;
const TOTP_SLOTS: u8 = 15;

/// The numbers of the first slots in requests.
const FIRST_HOTP: u8 = 0x10;
const FIRST_TOTP: u8 = 0x20;

/// The length of a name in bytes.
const NAME: usize = 15;

/// The flag of codes with 8 digits instead of 6.
const EIGHT_DIGITS: u8 = 0x01;

/// A slot of the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotNumber {
    /// A slot with a counter, from 0 to 2.
    Hotp(u8),
    /// A slot with time steps, from 0 to 14.
    Totp(u8),
}

impl SlotNumber {
    /// All slots, those with time steps first.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        (0..TOTP_SLOTS).map(Self::Totp).chain((0..HOTP_SLOTS).map(Self::Hotp))
    }

    /// The number in requests.
    pub(super) fn byte(self) -> u8 {
        match self {
            Self::Hotp(number) => FIRST_HOTP | number,
            Self::Totp(number) => FIRST_TOTP | number,
        }
    }
}

impl fmt::Display for SlotNumber {
    /// The kind, and the number from 0 on as in the vendor's tools.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hotp(number) => write!(f, "hotp {number}"),
            Self::Totp(number) => write!(f, "totp {number}"),
        }
    }
}

/// The content of a slot.
#[derive(Clone, PartialEq, Eq)]
pub struct Slot {
    /// The slot.
    pub number: SlotNumber,
    /// The issuer, fit for display; empty if the name has none.
    pub issuer: String,
    /// The account, fit for display.
    pub account: String,
    /// The length of a code.
    pub digits: Digits,
    /// The period of a code; without meaning for a counter.
    pub period: Period,
}

impl Slot {
    /// Reads the response to READ SLOT: name (15 bytes), flags (1), identifier (13), period (8, little-endian). `None` if
    /// the slot gives no codes, because its period is 0.
    pub(super) fn parse(number: SlotNumber, data: &[u8; DATA]) -> Option<Self> {
        let (name, rest) = data.split_first_chunk::<NAME>()?;
        let ([flags], rest) = rest.split_first_chunk::<1>()?;
        let (_, rest) = rest.split_first_chunk::<13>()?;
        let (period, _) = rest.split_first_chunk::<8>()?;
        let period = match number {
            SlotNumber::Hotp(_) => Period::DEFAULT,
            // The firmware uses the lower 16 bits.
            SlotNumber::Totp(_) => {
                let seconds = u16::try_from(u64::from_le_bytes(*period)).ok()?;
                Period::new(seconds.into()).ok()?
            }
        };
        let (issuer, account) = named(name);
        let account = if account.is_empty() { number.to_string() } else { account };
        Some(Self { number, issuer, account, digits: digits(*flags), period })
    }
}

/// The length of a slot's codes.
pub(super) fn digits(flags: u8) -> Digits {
    match flags & EIGHT_DIGITS {
        0 => Digits::SIX,
        _ => Digits::EIGHT,
    }
}

/// Issuer and account of a name, which is `[issuer:]account` by convention and ends at its first zero.
fn named(name: &[u8; NAME]) -> (String, String) {
    let end = name.iter().position(|byte| *byte == 0).unwrap_or(NAME);
    let text = String::from_utf8_lossy(name.get(..end).unwrap_or_default());
    let parts = text.split_once(':').filter(|(issuer, account)| !(issuer.is_empty() || account.is_empty()));
    let (issuer, account) = parts.unwrap_or(("", &text));
    (escape(issuer), escape(account))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(number: SlotNumber, name: &[u8], flags: u8, period: u64) -> Option<Slot> {
        let mut data = [0; DATA];
        data[..name.len()].copy_from_slice(name);
        data[NAME] = flags;
        data[29..37].copy_from_slice(&period.to_le_bytes());
        Slot::parse(number, &data)
    }

    #[test]
    fn name_digits_and_period() {
        let read = slot(SlotNumber::Totp(14), b"AWS:alice", 1, 60).unwrap();
        assert_eq!((read.issuer.as_str(), read.account.as_str()), ("AWS", "alice"));
        assert_eq!((read.digits.get(), read.period.seconds()), (8, 60));
        let whole = slot(SlotNumber::Totp(0), b"fifteen letters", 6, 30).unwrap();
        assert_eq!((whole.issuer.as_str(), whole.account.as_str()), ("", "fifteen letters"));
        assert_eq!(whole.digits, Digits::SIX, "the other flags are those of the keyboard");
    }

    #[test]
    fn unusual_names_are_fit_for_display() {
        for (name, issuer, account) in [
            (&b""[..], "", "totp 3"),
            (b":alice", "", ":alice"),
            (b"AWS:", "", "AWS:"),
            (b"a\nb", "", "a\\u{a}b"),
            (b"\xff", "", "\u{fffd}"),
        ] {
            let read = slot(SlotNumber::Totp(3), name, 0, 30).unwrap();
            assert_eq!((read.issuer.as_str(), read.account.as_str()), (issuer, account));
        }
    }

    #[test]
    fn a_period_that_the_firmware_cannot_use_is_no_slot() {
        for period in [0, 0x1_0000, u64::MAX] {
            assert!(slot(SlotNumber::Totp(0), b"a", 0, period).is_none());
            assert!(slot(SlotNumber::Hotp(0), b"a", 0, period).is_some(), "this is a counter");
        }
    }
}
