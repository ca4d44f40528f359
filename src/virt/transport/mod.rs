//! The transport of virtual tokens.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::sync::Arc;

use super::change_notifier::ChangeNotifier;
use super::fido_interface::FidoInterface;
use super::keyboard::Keyboard;
use super::nitrokey_pro_interface::NitrokeyProInterface;
use super::session::{Exclusive, Session};
use super::spec::TokenSpec;
use super::virtual_token::VirtualToken;
use crate::device::{
    Attachment, Device, DeviceId, Error, Identity, Opened, Presence, Progress, Transaction, Transport,
    UsbInterface,
};
use crate::iso7816::{Command, Response};

/// A YubiKey 5 with the interfaces keyboard, FIDO and CCID, in this order. It shows no serial number over USB.
const fn usb(number: u8) -> UsbInterface {
    UsbInterface { vendor: 0x1050, product: 0x0407, serial: None, number: Some(number), parent: None }
}

/// A Nitrokey 3 with the interfaces CCID and FIDO, in this order.
const NITROKEY: UsbInterface =
    UsbInterface { vendor: 0x20a0, product: 0x42b2, serial: None, number: Some(1), parent: None };

/// A Token2 PIN+ with the interfaces FIDO and CCID, in this order.
const TOKEN2: UsbInterface =
    UsbInterface { vendor: 0x349e, product: 0x0022, serial: None, number: Some(0), parent: None };

/// A Nitrokey Pro with the interfaces keyboard and CCID, in this order.
const NITROKEY_PRO: UsbInterface =
    UsbInterface { vendor: 0x20a0, product: 0x4108, serial: None, number: Some(0), parent: None };

/// Virtual tokens: each YubiKey in its own reader with the name `Virtual YubiKey <serial>` and, if it has a slot, with a
/// keyboard interface; each Nitrokey 3 and each Token2 PIN+ with its FIDO
/// interface only, and each Nitrokey Pro with its keyboard interface only.
#[derive(Debug)]
pub struct VirtualTransport {
    tokens: Vec<VirtualToken>,
    notifier: Arc<ChangeNotifier>,
}

impl VirtualTransport {
    /// A transport with all tokens plugged in.
    pub fn new(tokens: &[TokenSpec]) -> Self {
        let notifier = Arc::<ChangeNotifier>::default();
        let tokens =
            tokens.iter().map(|spec| VirtualToken::with_notifier(spec, Arc::clone(&notifier))).collect();
        Self { tokens, notifier }
    }

    /// The handle of the token with this serial number, to plug, unplug, touch and break it.
    pub fn token(&self, serial: u32) -> Option<VirtualToken> {
        self.tokens.iter().find(|token| token.serial() == serial).cloned()
    }

    fn presence(&self) -> Presence {
        let attachments = |token: &VirtualToken| {
            let attachment = |name: OsString, reader: Option<OsString>, usb| {
                let id = DeviceId { name, insertion: token.insertion()? };
                let atr = if reader.is_some() { atr(token) } else { Vec::new() };
                Some(Attachment { id, is_virtual: true, reader, usb: Some(usb), atr })
            };
            if token.has_fido() {
                let usb = if token.is_token2() { TOKEN2 } else { NITROKEY };
                return Vec::from_iter(attachment(fido_name(token), None, usb));
            }
            if token.is_nitrokey_pro() {
                return Vec::from_iter(attachment(pro_name(token), None, NITROKEY_PRO));
            }
            let card = attachment(reader_name(token), Some(reader_name(token)), usb(2));
            let keyboard = token.has_keyboard().then(|| attachment(keyboard_name(token), None, usb(0)));
            card.into_iter().chain(keyboard.flatten()).collect()
        };
        Presence { devices: self.tokens.iter().flat_map(attachments).collect(), problems: BTreeSet::new() }
    }

    fn find(&self, device: &DeviceId) -> Option<&VirtualToken> {
        let is_it = |token: &&VirtualToken| {
            [reader_name(token), keyboard_name(token), fido_name(token), pro_name(token)]
                .contains(&device.name)
                && token.insertion() == Some(device.insertion)
        };
        self.tokens.iter().find(is_it)
    }
}

/// The answer to reset, as the smart card service reports it.
fn atr(token: &VirtualToken) -> Vec<u8> {
    token.connect().and_then(|card| card.atr().ok()).unwrap_or_default().to_vec()
}

fn reader_name(token: &VirtualToken) -> OsString {
    format!("Virtual YubiKey {}", token.serial()).into()
}

fn keyboard_name(token: &VirtualToken) -> OsString {
    format!("Virtual keyboard {}", token.serial()).into()
}

fn fido_name(token: &VirtualToken) -> OsString {
    let make = if token.is_token2() { "Token2" } else { "Nitrokey" };
    format!("Virtual {make} {}", token.serial()).into()
}

fn pro_name(token: &VirtualToken) -> OsString {
    format!("Virtual Nitrokey Pro {}", token.serial()).into()
}

impl Transport for VirtualTransport {
    fn name(&self) -> &'static str {
        "virtual"
    }

    fn watch(&self, report: &mut dyn FnMut(Presence) -> bool) {
        let mut seen = None;
        let mut reported = None;
        // The count is read before the tokens, so a change in between causes a second look instead of being missed.
        while let Some(changes) = self.notifier.wait(seen) {
            seen = Some(changes);
            let presence = self.presence();
            if reported.as_ref() != Some(&presence) {
                if !report(presence.clone()) {
                    return;
                }
                reported = Some(presence);
            }
        }
    }

    fn stop(&self) {
        self.notifier.stop();
    }

    fn open(&self, device: &DeviceId) -> Result<Opened, Error> {
        let token = self.find(device).ok_or(Error::Removed)?;
        if device.name == keyboard_name(token) {
            let keyboard = Keyboard::new(Arc::clone(&token.shared), device.insertion);
            return Ok(Opened::Reports(Box::new(keyboard)));
        }
        if device.name == fido_name(token) {
            let interface = FidoInterface::new(Arc::clone(&token.shared), device.insertion);
            return Ok(Opened::Reports(Box::new(interface)));
        }
        if device.name == pro_name(token) {
            let interface = NitrokeyProInterface::new(Arc::clone(&token.shared), device.insertion);
            return Ok(Opened::Reports(Box::new(interface)));
        }
        let session = Session::new(Arc::clone(&token.shared), device.insertion);
        Ok(Opened::Apdu(Box::new(VirtualDevice { session })))
    }

    fn identify(&self, device: &Attachment) -> Option<Identity> {
        // A Token2 key has no application of Yubico, which would have the identity.
        self.find(&device.id).filter(|token| !token.is_token2()).map(|token| token.shared.identity.clone())
    }
}

struct VirtualDevice {
    session: Session,
}

impl Device for VirtualDevice {
    fn transaction(&mut self) -> Result<Box<dyn Transaction + '_>, Error> {
        Ok(Box::new(self.session.begin()?))
    }
}

impl Transaction for Exclusive<'_> {
    fn transmit(&mut self, command: &Command, progress: &dyn Progress) -> Result<Response, Error> {
        let answer = self.exchange(&command.to_bytes(), &|| progress.touch_needed())?;
        Response::from_bytes(&answer).map_err(|error| Error::Failed(error.to_string()))
    }
}

#[cfg(test)]
mod keyboard_tests;
#[cfg(test)]
mod tests;
