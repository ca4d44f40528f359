//! The description of virtual tokens in a TOML file.

mod credential;
mod nitrokey_pro;
mod otp_slot;
mod token2;

use std::collections::BTreeSet;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

pub use credential::{CredentialSpec, Kind};
pub use otp_slot::OtpSlotSpec;

use super::firmware::Firmware;
use super::flavour::Flavour;
use crate::secret::SecretText;

/// One virtual token: a `[[token]]` section of the file.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "RawToken")]
pub struct TokenSpec {
    /// The serial number, which must be unique.
    pub serial: u32,
    /// The make of the token.
    pub model: Model,
    /// The firmware version of a YubiKey, which determines its features.
    pub firmware: Firmware,
    /// The password of the OATH application, if it has one.
    pub password: Option<SecretText>,
    /// The PIN of a Nitrokey, if it has one.
    pub pin: Option<SecretText>,
    /// The behaviour of the simulated user when the token waits for a touch.
    pub touch: TouchPolicy,
    /// The duration of each command.
    pub delay: Duration,
    /// The duration of each report of a HID interface, in either direction: a pass of the loop of the token's firmware.
    pub report_delay: Duration,
    /// The stored credentials, in this order.
    pub credentials: Vec<CredentialSpec>,
    /// The slots for HMAC-SHA1 challenges.
    pub otp_slots: Vec<OtpSlotSpec>,
}

/// The make of a virtual token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Model {
    /// A YubiKey 5 with a smart card interface and, if it has a slot, a keyboard interface.
    #[default]
    #[serde(rename = "yubikey-5")]
    Yubikey5,
    /// A Nitrokey 3 with a FIDO interface; it has a smart card interface as well.
    #[serde(rename = "nitrokey-3")]
    Nitrokey3,
    /// A Nitrokey Pro with its slots; its PIN protects all codes.
    #[serde(rename = "nitrokey-pro")]
    NitrokeyPro,
    /// A Token2 PIN+ with a FIDO interface; it has a smart card interface as well. A PIN locks all of it.
    #[serde(rename = "token2-pin-plus")]
    Token2PinPlus,
}

/// The behaviour of the simulated user when a token waits for a touch.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TouchPolicy {
    /// The user touches the token after this time, in seconds.
    #[serde(deserialize_with = "duration")]
    AfterSeconds(Duration),
    /// The user is absent; only [`super::VirtualToken::touch`] touches the token.
    Never,
}

impl TokenSpec {
    /// The demo's tokens: a YubiKey without a password, with TOTP and HOTP credentials and a slot, and a Nitrokey 3.
    ///
    /// The list is in `src/virt/spec/demo.toml`, which is also an example of the format.
    pub fn demo() -> Vec<Self> {
        // A test parses this file, so the parse cannot fail.
        parse(include_str!("demo.toml")).unwrap_or_default()
    }

    pub(super) fn flavour(&self) -> Flavour {
        flavour(self.model, self.firmware)
    }
}

/// Parses a token file.
///
/// # Errors
///
/// [`SpecError`] with the line of the first error: TOML syntax, an unknown key, a value out of range.
pub fn parse(text: &str) -> Result<Vec<TokenSpec>, SpecError> {
    let file: File = toml::from_str(text).map_err(|error| SpecError::locate(&error, text))?;
    Ok(file.token.0)
}

/// An error in a token file. It contains no seed and no password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct SpecError {
    /// The line number, from 1.
    pub line: usize,
    /// The error.
    pub message: String,
}

impl SpecError {
    fn locate(error: &toml::de::Error, text: &str) -> Self {
        // The error's Display contains the line, which may contain a seed.
        let start = error.span().map_or(0, |span| span.start);
        let line = 1 + text.bytes().take(start).filter(|byte| *byte == b'\n').count();
        Self { line, message: error.message().to_owned() }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    token: Tokens,
}

#[derive(Deserialize)]
#[serde(try_from = "Vec<TokenSpec>")]
struct Tokens(Vec<TokenSpec>);

impl TryFrom<Vec<TokenSpec>> for Tokens {
    type Error = String;

    fn try_from(tokens: Vec<TokenSpec>) -> Result<Self, String> {
        let mut serials = BTreeSet::new();
        match tokens.iter().find(|token| !serials.insert(token.serial)) {
            Some(twice) => Err(format!("two tokens have the serial number {}", twice.serial)),
            None => Ok(Self(tokens)),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawToken {
    serial: u32,
    #[serde(default)]
    model: Model,
    firmware: Option<Firmware>,
    #[serde(default, deserialize_with = "credential::secret_text")]
    password: Option<SecretText>,
    #[serde(default, deserialize_with = "credential::secret_text")]
    pin: Option<SecretText>,
    #[serde(default = "touch_soon")]
    touch: TouchPolicy,
    #[serde(default)]
    delay_ms: u32,
    #[serde(default)]
    report_delay_ms: u32,
    #[serde(default)]
    credential: Vec<CredentialSpec>,
    #[serde(default)]
    otp_slot: Vec<OtpSlotSpec>,
}

fn touch_soon() -> TouchPolicy {
    TouchPolicy::AfterSeconds(Duration::from_secs(2))
}

impl TryFrom<RawToken> for TokenSpec {
    type Error = String;

    fn try_from(raw: RawToken) -> Result<Self, String> {
        if raw.model != Model::Yubikey5
            && (raw.firmware.is_some() || raw.password.is_some() || !raw.otp_slot.is_empty())
        {
            return Err("only a YubiKey has a firmware version, a password and slots".to_owned());
        }
        if raw.model == Model::Yubikey5 && raw.pin.is_some() {
            return Err("a YubiKey has no PIN".to_owned());
        }
        if raw.model == Model::NitrokeyPro {
            nitrokey_pro::check(&raw.credential)?;
        }
        if raw.model == Model::Token2PinPlus {
            token2::check(&raw.credential)?;
        }
        if raw.pin.is_none() && raw.credential.iter().any(|credential| credential.pin) {
            return Err("a PIN cannot protect a credential of a token that has none".to_owned());
        }
        let firmware = raw.firmware.unwrap_or_default();
        let capacity = flavour(raw.model, firmware).capacity;
        if raw.credential.len() > capacity {
            return Err(format!("a token with this firmware holds at most {capacity} credentials"));
        }
        otp_slot::check(&raw.otp_slot)?;
        let mut names = BTreeSet::new();
        if let Some(twice) = raw.credential.iter().find(|credential| !names.insert(credential.id())) {
            return Err(format!("two credentials have the name {:?}", twice.id()));
        }
        Ok(Self {
            serial: raw.serial,
            model: raw.model,
            firmware,
            password: raw.password,
            pin: raw.pin,
            touch: raw.touch,
            delay: Duration::from_millis(raw.delay_ms.into()),
            report_delay: Duration::from_millis(raw.report_delay_ms.into()),
            credentials: raw.credential,
            otp_slots: raw.otp_slot,
        })
    }
}

fn flavour(model: Model, firmware: Firmware) -> Flavour {
    match model {
        Model::Yubikey5 => Flavour::yubikey_5(firmware),
        Model::Nitrokey3 => Flavour::nitrokey_3(),
        // Its smart card has no such application.
        Model::NitrokeyPro => Flavour::yubikey_5(firmware),
        Model::Token2PinPlus => Flavour::token2(),
    }
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let seconds = f64::deserialize(deserializer)?;
    Duration::try_from_secs_f64(seconds).map_err(D::Error::custom)
}

#[cfg(test)]
mod tests;
