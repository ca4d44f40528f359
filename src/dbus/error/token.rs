//! The errors of tokens.

use std::time::Duration;

use super::Error;
use crate::device::HidKind;
use crate::registry::Missing;
use crate::token;

impl From<Missing> for Error {
    fn from(missing: Missing) -> Self {
        match missing {
            Missing::Token => Self::ours(
                "TokenRemoved",
                "The token of this credential is not attached; plug it in and try again.",
            ),
            Missing::Locked => token::Error::Locked.into(),
            Missing::Stuck => token::Error::Stuck.into(),
            Missing::Busy => token::Error::Busy.into(),
            Missing::Credential => token::Error::NoSuchCredential.into(),
        }
    }
}

impl From<token::Error> for Error {
    fn from(error: token::Error) -> Self {
        if let token::Error::Malformed(why) = &error {
            tracing::warn!("invalid response of a token: {why}");
        }
        Self::of_token(error)
    }
}

impl Error {
    /// The same; if the token is busy, with the time that the call has waited for it. Nothing holds a token that is still being
    /// read.
    pub(in crate::dbus) fn after(self, waited: Duration) -> Self {
        let is_held = self.sentence == Self::of_token(token::Error::Busy).sentence;
        match waited.as_secs() {
            seconds @ 1.. if is_held => Self::ours(
                self.name,
                format!(
                    "The token was busy with another request or held by another program for {seconds} s; close that program or try again in a moment."
                ),
            ),
            _ => self,
        }
    }

    /// The same, but logs nothing.
    pub(in crate::dbus) fn of_token(error: token::Error) -> Self {
        use token::Error as Token;
        let (name, sentence) = match error {
            Token::Removed => (
                "TokenRemoved",
                "The token was removed, or another one is in its place; plug it in and try again.",
            ),
            Token::Busy => (
                "TokenBusy",
                "The token is busy with another request or held by another program; close that program or try again in a moment.",
            ),
            Token::Reading => ("TokenBusy", "The token is still being read; try again in a few seconds."),
            Token::Stuck => ("TokenStuck", "The token stopped answering; unplug it and plug it in again."),
            Token::Locked => (
                "TokenLocked",
                "The token is locked with a password or a PIN; unlock it with oathbridgectl unlock and try again.",
            ),
            Token::PasswordUnset => (
                "TokenLocked",
                "The token refuses everything until a password is set on it; set one with ykman oath access change, and try again.",
            ),
            Token::WrongPin(left) => return wrong_pin(left),
            Token::AttemptsLow(left) => return attempts_low(left),
            Token::PinBlocked => (
                "PinBlocked",
                "The PIN of the token is blocked because it was wrong too often; use the program of its vendor to unblock it, or to reset the application, which deletes all its credentials.",
            ),
            Token::WrongPassword => {
                ("WrongPassword", "The token refused this password; check it and try again.")
            }
            Token::Impostor => (
                "Malformed",
                "The token does not know its own password and may be a fake; stop using it and check its origin.",
            ),
            Token::NoSuchCredential => (
                "NoSuchCredential",
                "The token does not have this credential; list its credentials with oathbridgectl list.",
            ),
            Token::AlreadyExists => (
                "AlreadyExists",
                "The token has a credential of this name, or is an old YubiKey with one whose name begins like it; choose another account name, or remove that credential first.",
            ),
            Token::NoSpace => (
                "NoSpace",
                "The token has no room for another credential; remove one that is no longer needed, or use another token.",
            ),
            Token::UnusableName => (
                "Unsupported",
                "The token cannot hold this issuer and account, because they are too long together (64 bytes), or have control characters, or the issuer has a colon, or the issuer Steam comes without codes of Steam or they without it; choose other ones.",
            ),
            Token::MaybeChanged => (
                "TokenRemoved",
                "The answer of the token was lost, so it may have carried out the change; plug it in again and look at its credentials with oathbridgectl list.",
            ),
            Token::TouchTimeout => (
                "TouchTimeout",
                "The token was not touched in time and no code was sent; try again and touch it when it blinks.",
            ),
            Token::ClockBehind => (
                "ClockBehind",
                "The clock of the token was never set or shows a later time than this computer; check the time of this computer, and set the token's clock with oathbridgectl code --set-time.",
            ),
            Token::UsedAhead => (
                "ClockBehind",
                "The credential was used with a later time and gives no code for an earlier one; try again after its next time step, and if that does not help, check the clock of this computer or add the credential again.",
            ),
            Token::ListIncomplete => (
                "Unsupported",
                "The token has more credentials than it can list, so none of them can be used; delete some with the program of its vendor, and plug it in again.",
            ),
            Token::PinListIncomplete => (
                "Unsupported",
                "The list with the credentials that the PIN protects is too long for this key over PC/SC; use the key over HID, or delete some credentials with the program of its vendor.",
            ),
            Token::Unsupported(why) => {
                return Self::ours(
                    "Unsupported",
                    format!("The token does not support this because {why}; use another token."),
                );
            }
            Token::SwitchedOff { vendor, is_contactless } => return switched_off(vendor, is_contactless),
            Token::NfcRestricted => (
                "NfcRestricted",
                "The key answers nothing over NFC before its first use over USB; plug it in by USB once and try again.",
            ),
            Token::NotConfigured => (
                "NoSuchCredential",
                "The configuration names no slot of this key any more; add a [[hid.otp_slot]] section and reload it.",
            ),
            Token::Malformed(_) | Token::Unclear => (
                "Malformed",
                "The token sent an invalid response; unplug it, plug it in again, and report its model if that does not help.",
            ),
            Token::PcscUnavailable => (
                "PcscUnavailable",
                "The smart card service is not running; install pcscd or start it with sudo systemctl start pcscd.socket.",
            ),
            Token::PcscDenied => (
                "PcscDenied",
                "The smart card service refuses this user; log in at the machine itself, or allow access with a polkit rule for org.debian.pcsc-lite.",
            ),
            Token::PcscFull => (
                "PcscUnavailable",
                "All 200 places of the smart card service are taken; close programs that use smart cards, or restart the service with sudo systemctl restart pcscd.",
            ),
            Token::PcscVersion => (
                "PcscUnavailable",
                "The smart card service is of another release than the library libpcsclite1 of this program; install the same release of both and restart the daemon.",
            ),
            Token::HidDenied(kind) => return hid_denied(kind),
        };
        Self::ours(name, sentence)
    }
}

fn wrong_pin(left: Option<u8>) -> Error {
    Error::ours(
        "WrongPassword",
        match left {
            Some(left) => {
                format!("The token refused this PIN and {}; check it and try again.", attempts(left))
            }
            None => "The token refused this PIN; check it and try again.".to_owned(),
        },
    )
}

fn switched_off(vendor: &str, is_contactless: bool) -> Error {
    let step = match (vendor, is_contactless) {
        (token::YUBICO, true) => {
            "run ykman config nfc to switch it on and put the key on the reader again, or use another token"
        }
        (token::YUBICO, false) => {
            "run ykman config usb to switch it on and plug the key in again, or use another token"
        }
        _ => "use the program of its vendor to switch it on, or use another token",
    };
    Error::ours(
        "Unsupported",
        format!("The application for codes (OATH) of the key is switched off or missing; {step}."),
    )
}

fn attempts_low(left: u8) -> Error {
    Error::ours(
        "AttemptsLow",
        format!(
            "The PIN was not tried because the token {}; make sure that it is right, and unlock the token with the option allow-last-attempts.",
            attempts(left)
        ),
    )
}

fn attempts(left: u8) -> String {
    match left {
        1 => "blocks its PIN after 1 more wrong attempt".to_owned(),
        left => format!("blocks its PIN after {left} more wrong attempts"),
    }
}

fn hid_denied(kind: HidKind) -> Error {
    let interface = match kind {
        HidKind::Keyboard => "the keyboard interface of a token",
        HidKind::NitrokeyPro => "the HID interface of a Nitrokey Pro or one of its relatives",
        HidKind::Fido => "the FIDO interface of a token",
    };
    let source = match kind {
        // It is not enabled by default, because it lets programs read what such a key types.
        HidKind::Keyboard => "copy it from the documentation folder of oathbridge to /etc/udev/rules.d",
        HidKind::NitrokeyPro | HidKind::Fido => "install it with the rest of oathbridge",
    };
    Error::ours(
        "HidDenied",
        format!(
            "The system does not let this user open {interface}; log in at the machine itself, and if {} is missing, {source} and plug the token in again.",
            kind.rules()
        ),
    )
}
