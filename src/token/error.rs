//! The errors of requests to a token.

use crate::device::{self, HidKind, Problem};
use crate::oath;

/// The error of a request to a token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The token was removed.
    #[error("the token was removed")]
    Removed,
    /// Another program holds the token, or the queue of requests is full.
    #[error("the token is busy")]
    Busy,
    /// The first reading of the token has not ended.
    #[error("the token is still being read")]
    Reading,
    /// The token has not answered an earlier request.
    #[error("the token doesn't answer")]
    Stuck,
    /// The token requires a password.
    #[error("the token is locked")]
    Locked,
    /// The token refuses all commands until a password is set on it.
    #[error("the token wants a password to be set first")]
    PasswordUnset,
    /// The token refused the password.
    #[error("the token refused the password")]
    WrongPassword,
    /// The token refused the PIN, and has this number of attempts left, if it counts them.
    #[error("the token refused the PIN")]
    WrongPin(Option<u8>),
    /// The PIN was not tried, because only this number of attempts is left.
    #[error("the token has only {0} attempts at its PIN left")]
    AttemptsLow(u8),
    /// The PIN is blocked, because it was wrong too often.
    #[error("the PIN of the token is blocked")]
    PinBlocked,
    /// The token could not prove that it knows its access key.
    #[error("the token doesn't know its own password")]
    Impostor,
    /// The token has no such credential.
    #[error("the token has no such credential")]
    NoSuchCredential,
    /// The token has a credential of this name, or one that it would mistake for it.
    #[error("the token has a credential of this name")]
    AlreadyExists,
    /// The token has no room for another credential.
    #[error("the token is full")]
    NoSpace,
    /// The issuer and the account are no name for this token.
    #[error("the issuer and the account are no name on this token")]
    UnusableName,
    /// The answer to a command that changes the token was lost, and the token may have carried it out.
    #[error("the token may have carried out the change")]
    MaybeChanged,
    /// The token was not touched in time.
    #[error("the token was not touched in time")]
    TouchTimeout,
    /// The time is before that of the token's own clock, or that clock was never set.
    #[error("the token's clock shows a later time")]
    ClockBehind,
    /// The credential accepts only increasing time steps, and was used with a later one.
    #[error("the credential was used with a later time")]
    UsedAhead,
    /// The token cannot send the whole list of its credentials, or has more than can be used.
    #[error("the token cannot list all its credentials")]
    ListIncomplete,
    /// The token cannot send the list with the credentials that its PIN protects, because it is too long.
    #[error("the token cannot list the credentials that its PIN protects")]
    PinListIncomplete,
    /// The token does not support the request.
    #[error("the token can't do this: {0}")]
    Unsupported(&'static str),
    /// A security key has no application for codes, or it is switched off.
    #[error("the OATH application is switched off or missing")]
    SwitchedOff {
        /// The vendor; empty if it is unknown.
        vendor: &'static str,
        /// Whether the key is on a contactless reader.
        is_contactless: bool,
    },
    /// A YubiKey answers nothing over NFC until it was plugged in by USB once.
    #[error("the key answers nothing over NFC before its first use over USB")]
    NfcRestricted,
    /// A card that does not look like a security key does not say whether it has an application for codes. It is no token until
    /// it is read again.
    #[error("the card does not say whether it has an OATH application")]
    Unclear,
    /// The configuration does not name the token, which therefore is not used.
    #[error("the configuration does not name this token")]
    NotConfigured,
    /// The response of the token is invalid.
    #[error("the token's answer makes no sense: {0}")]
    Malformed(String),
    /// The smart card service is not running.
    #[error("the smart card service is not running")]
    PcscUnavailable,
    /// The smart card service refuses this user.
    #[error("the smart card service refuses access")]
    PcscDenied,
    /// The smart card service serves as many programs as it can.
    #[error("all places of the smart card service are taken")]
    PcscFull,
    /// The smart card service is of another release than the library, so it refuses it.
    #[error("the smart card service is of another release than its library")]
    PcscVersion,
    /// The system refuses this user access to a HID device with an interface of this kind.
    #[error("the system refuses access to a HID device")]
    HidDenied(HidKind),
}

impl From<device::Error> for Error {
    fn from(error: device::Error) -> Self {
        match error {
            device::Error::Removed => Self::Removed,
            device::Error::Busy | device::Error::Reset => Self::Busy,
            device::Error::Transport(Problem::PcscUnavailable) => Self::PcscUnavailable,
            device::Error::Transport(Problem::PcscDenied) => Self::PcscDenied,
            device::Error::Transport(Problem::PcscFull) => Self::PcscFull,
            device::Error::Transport(Problem::PcscVersion) => Self::PcscVersion,
            device::Error::Transport(Problem::HidDenied(kind)) => Self::HidDenied(kind),
            device::Error::NoAnswer(what) => oath::Error::NoAnswer(what).into(),
            device::Error::Failed(what) => Self::Malformed(what),
        }
    }
}

impl From<oath::Error> for Error {
    fn from(error: oath::Error) -> Self {
        match error {
            oath::Error::Device(error) => error.into(),
            oath::Error::NoApplication => Self::Unsupported("it has no OATH application"),
            oath::Error::NotSelected(what) => Self::Malformed(what),
            oath::Error::SwitchedOff { vendor, is_contactless } => {
                Self::SwitchedOff { vendor, is_contactless }
            }
            oath::Error::NfcRestricted => Self::NfcRestricted,
            oath::Error::NotConfigured => Self::NotConfigured,
            oath::Error::NoAnswer(what) => {
                tracing::warn!("a token stopped answering: {what}");
                Self::Stuck
            }
            oath::Error::Locked => Self::Locked,
            oath::Error::PasswordUnset => Self::PasswordUnset,
            oath::Error::OtherToken => Self::Removed,
            oath::Error::WrongPassword => Self::WrongPassword,
            oath::Error::WrongPin(left) => Self::WrongPin(left),
            oath::Error::PinUnproven => Self::Locked,
            oath::Error::AttemptsLow(left) => Self::AttemptsLow(left),
            oath::Error::PinBlocked => Self::PinBlocked,
            oath::Error::Impostor => Self::Impostor,
            oath::Error::NoSuchCredential => Self::NoSuchCredential,
            oath::Error::AlreadyExists => Self::AlreadyExists,
            oath::Error::NoSpace => Self::NoSpace,
            oath::Error::UnusableName => Self::UnusableName,
            oath::Error::MaybeChanged => Self::MaybeChanged,
            oath::Error::TouchTimedOut => Self::TouchTimeout,
            oath::Error::ClockBehind => Self::ClockBehind,
            oath::Error::UsedAhead => Self::UsedAhead,
            oath::Error::ListIncomplete => Self::ListIncomplete,
            oath::Error::PinListIncomplete => Self::PinListIncomplete,
            oath::Error::Unsupported(what) => Self::Unsupported(what),
            oath::Error::NotOnThisFamily(_) => {
                Self::Unsupported("tokens of its family have no such operation")
            }
            oath::Error::Malformed(what) => Self::Malformed(what),
        }
    }
}
