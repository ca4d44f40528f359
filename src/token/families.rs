//! The table of token families. Each row has a probe, which begins a session if the device speaks the protocol of the
//! family.
//!
//! A new family needs a folder in `crate::protocol` and a row in this table.

use super::nitrokey_pro;
use super::otp_key;
use super::target::Target;
use super::token2;
use super::trussed;
use crate::device::{Channel, HidKind};
use crate::oath::{Error, OathSession};
use crate::protocol::ykoath;

/// A family of tokens.
pub(super) struct Family {
    /// The first part of a token's id, and the `Family` property.
    pub(super) name: &'static str,
    /// Begins a session; [`Error::NoApplication`] if the device belongs to another family.
    probe: Probe,
}

type Probe = for<'c> fn(&'c Target, Channel<'c>) -> Result<Box<dyn OathSession + 'c>, Error>;

/// The families, in the order in which they are probed.
static FAMILIES: &[Family] = &[
    Family {
        name: "ykoath",
        probe: |target, channel| match channel {
            Channel::Apdu(transaction) => Ok(Box::new(ykoath::Session::select(transaction, &*target.clock)?)),
            Channel::Reports(_) => Err(Error::NoApplication),
        },
    },
    Family {
        name: "otpslot",
        probe: |target, channel| match channel {
            Channel::Reports(reports) if reports.kind() == HidKind::Keyboard => {
                Ok(Box::new(otp_key::session(target, reports)?))
            }
            Channel::Apdu(_) | Channel::Reports(_) => Err(Error::NoApplication),
        },
    },
    Family {
        name: nitrokey_pro::FAMILY,
        probe: |target, channel| match channel {
            Channel::Reports(reports) if reports.kind() == HidKind::NitrokeyPro => {
                Ok(Box::new(nitrokey_pro::session(target, reports)?))
            }
            Channel::Apdu(_) | Channel::Reports(_) => Err(Error::NoApplication),
        },
    },
    Family {
        name: token2::FAMILY,
        probe: |target, channel| match channel {
            Channel::Apdu(transaction) if target.attachment.reader.is_some() => {
                Ok(Box::new(token2::over_card(target, transaction)?))
            }
            Channel::Reports(reports) if token2::is_key(target, reports.kind()) => {
                Ok(Box::new(token2::over_hid(target, reports)?))
            }
            Channel::Apdu(_) | Channel::Reports(_) => Err(Error::NoApplication),
        },
    },
];

/// Runs `work` in a session of the first family whose probe accepts the device.
///
/// # Errors
///
/// [`Error::NoApplication`] if the device belongs to no family, [`Error::NotSelected`] if it does not say so clearly, [`Error::NotConfigured`] if it belongs to one that uses
/// configured devices only, and the errors of `work`.
pub(super) fn in_session<T>(
    target: &Target,
    channel: Channel<'_>,
    work: impl FnOnce(&'static Family, &mut dyn OathSession) -> Result<T, Error>,
) -> Result<T, Error> {
    match channel {
        Channel::Reports(reports) if trussed::is_key(target, reports.kind()) => {
            let mut key = trussed::connect(target, reports)?;
            probe_all(target, Channel::Apdu(&mut key), work)
        }
        channel => probe_all(target, channel, work),
    }
}

fn probe_all<T>(
    target: &Target,
    mut channel: Channel<'_>,
    work: impl FnOnce(&'static Family, &mut dyn OathSession) -> Result<T, Error>,
) -> Result<T, Error> {
    let mut refusal = None;
    for family in FAMILIES {
        match (family.probe)(target, channel.reborrow()) {
            Ok(mut session) => return work(family, &mut *session),
            Err(Error::NoApplication) => {}
            Err(error @ Error::NotSelected(_)) => drop(refusal.get_or_insert(error)),
            Err(error) => return Err(error),
        }
    }
    Err(refusal.unwrap_or(Error::NoApplication))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::clock::ManualClock;
    use crate::config::{Hid, OtpSlot};
    use crate::device::{self, Attachment, DeviceId, Progress, Reports, Transaction, UsbInterface};
    use crate::iso7816::{Aid, Command, Response, status};
    use crate::token::otp_slots::OtpSlots;

    /// An interface that is neither written nor read.
    struct Untouched(HidKind);

    impl Reports for Untouched {
        fn kind(&self) -> HidKind {
            self.0
        }

        fn send(&mut self, _report: &[u8]) -> Result<(), device::Error> {
            panic!("nothing may be sent");
        }

        fn receive(&mut self, _report: &mut [u8], _timeout: Duration) -> Result<usize, device::Error> {
            panic!("nothing may be read");
        }
    }

    /// A key that is always idle, so it refuses every request.
    struct Refusing;

    impl Reports for Refusing {
        fn send(&mut self, _report: &[u8]) -> Result<(), device::Error> {
            Ok(())
        }

        fn receive(&mut self, report: &mut [u8], _timeout: Duration) -> Result<usize, device::Error> {
            let status = [0, 5, 4, 3, 1, 3, 0, 0];
            report.copy_from_slice(&status);
            Ok(status.len())
        }
    }

    #[test]
    fn a_serial_number_counts_as_hidden_after_two_readings() {
        let target = target(0x1050, None, true);
        for expected in [Error::Device(device::Error::Busy), Error::NotConfigured, Error::NotConfigured] {
            let result = in_session(&target, Channel::Reports(&mut Refusing), |family, _| Ok(family.name));
            assert_eq!(result, Err(expected));
        }
    }

    /// A device of this vendor with this serial number, and a configured slot of the key 7.
    fn target(vendor: u16, serial: Option<&str>, is_configured: bool) -> Target {
        let serial = serial.map(str::to_owned);
        let usb = Some(UsbInterface { vendor, product: 0x0407, serial, number: Some(0), parent: None });
        let id = DeviceId { name: OsString::from("1-1:1.0"), insertion: 1 };
        let attachment = Attachment { id, is_virtual: false, reader: None, usb, atr: Vec::new() };
        let (issuer, account) = (String::new(), "alice".to_owned());
        let slot = OtpSlot { serial: 7, slot: 2, issuer, account, digits: 6, period: 30 };
        let slots = OtpSlots::default();
        let otp_slots = if is_configured { vec![slot] } else { Vec::new() };
        slots.configure(&Hid { otp_slots, ..Hid::default() });
        Target::new(attachment, Arc::new(ManualClock::at(Duration::ZERO)), slots)
    }

    #[test]
    fn a_device_without_a_configured_slot_is_sent_nothing_and_not_even_read() {
        for (vendor, serial, is_configured, expected) in [
            (0x20a0, Some("7"), true, Error::NoApplication),
            (0x1050, Some("7"), false, Error::NotConfigured),
            // Its serial number would have to be read.
            (0x1050, None, false, Error::NotConfigured),
            (0x1050, Some("0000000008"), true, Error::NotConfigured),
        ] {
            let mut keyboard = Untouched(HidKind::Keyboard);
            let target = target(vendor, serial, is_configured);
            let result = in_session(&target, Channel::Reports(&mut keyboard), |family, _| Ok(family.name));
            assert_eq!(result, Err(expected), "{vendor:x} {serial:?} {is_configured}");
        }
    }

    /// A FIDO interface that notes the first report, and is then pulled out.
    struct Pulled(Option<Vec<u8>>);

    impl Reports for Pulled {
        fn kind(&self) -> HidKind {
            HidKind::Fido
        }

        fn send(&mut self, report: &[u8]) -> Result<(), device::Error> {
            self.0.get_or_insert_with(|| report.to_vec());
            Err(device::Error::Removed)
        }

        fn receive(&mut self, _report: &mut [u8], _timeout: Duration) -> Result<usize, device::Error> {
            Ok(0)
        }
    }

    #[test]
    fn each_fido_interface_is_sent_the_protocol_of_its_key() {
        // CTAPHID's INIT on the broadcast channel, and the state of a Token2 key's PIN.
        for (vendor, product, first) in [
            (0x20a0, 0x42b2, [0xff, 0xff, 0xff, 0xff, 0x86]),
            (0x349e, 0x0022, [0x21, 0x00, 0x0e, 0x80, 0xc5]),
        ] {
            let mut target = target(vendor, None, false);
            if let Some(usb) = &mut target.attachment.usb {
                usb.product = product;
            }
            let mut fido = Pulled(None);
            let result = in_session(&target, Channel::Reports(&mut fido), |family, _| Ok(family.name));
            assert_eq!(result, Err(Error::Device(device::Error::Removed)));
            assert_eq!(fido.0.unwrap()[..5], first);
        }
    }

    /// A card that knows no application, and notes the names that are selected.
    #[derive(Default)]
    struct Foreign(Vec<Vec<u8>>);

    impl Transaction for Foreign {
        fn transmit(&mut self, command: &Command, _: &dyn Progress) -> Result<Response, device::Error> {
            self.0.push(command.to_bytes());
            Ok(Response { data: Vec::new(), status: status::NOT_FOUND })
        }
    }

    /// The FIDO interface of a Nitrokey 3 carries APDUs as well.
    #[test]
    fn the_application_of_token2_is_selected_behind_a_reader_only() {
        for (reader, selected) in [
            (Some("ACS ACR122U PICC Interface 00 00"), vec![Aid::OATH, Aid::TOKEN2]),
            (None, vec![Aid::OATH]),
        ] {
            let mut target = target(0x20a0, None, false);
            target.attachment.reader = reader.map(OsString::from);
            let mut card = Foreign::default();
            let result = in_session(&target, Channel::Apdu(&mut card), |family, _| Ok(family.name));
            assert_eq!(result, Err(Error::NoApplication));
            let selected: Vec<_> = selected.into_iter().map(|aid| aid.select().to_bytes()).collect();
            assert_eq!(card.0, selected, "{reader:?}");
        }
    }

    #[test]
    fn an_interface_of_a_key_that_is_not_in_the_table_is_sent_nothing() {
        // A YubiKey, the product of a YubiKey with Nitrokey's vendor, a Nitrokey Passkey, a Solo 2, and Token2's Bio3.
        for (vendor, product) in
            [(0x1050, 0x0407), (0x20a0, 0x0407), (0x20a0, 0x42f3), (0x1209, 0xbeee), (0x349e, 0x0206)]
        {
            let mut target = target(vendor, Some("7"), true);
            if let Some(usb) = &mut target.attachment.usb {
                usb.product = product;
            }
            let mut fido = Untouched(HidKind::Fido);
            let result = in_session(&target, Channel::Reports(&mut fido), |family, _| Ok(family.name));
            assert_eq!(result, Err(Error::NoApplication), "{vendor:x}:{product:x}");
            let mut pro = Untouched(HidKind::NitrokeyPro);
            let result = in_session(&target, Channel::Reports(&mut pro), |family, _| Ok(family.name));
            assert_eq!(result, Err(Error::NoApplication), "{vendor:x}:{product:x}");
        }
    }
}
