//! The error of a session of any family.

use crate::device;

/// The error of a session or of a request in it. Each protocol converts its status words to one of the variants.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The exchange with the device failed.
    #[error(transparent)]
    Device(#[from] device::Error),
    /// The device does not support the protocol of this family.
    #[error("the device has no OATH application")]
    NoApplication,
    /// The card answered the selection of its application with a status word that does not say whether there is one.
    #[error("{0}")]
    NotSelected(String),
    /// A security key has no such application, or it is switched off.
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
    /// The configuration names no credential of this device, so it is not used.
    #[error("the configuration does not name this device")]
    NotConfigured,
    /// The token did not answer in time.
    #[error("{0}")]
    NoAnswer(String),
    /// The token requires its password or PIN first.
    #[error("the token is locked")]
    Locked,
    /// The token refuses all commands until a password is set on it, as some keys for authorities do.
    #[error("the token wants a password to be set first")]
    PasswordUnset,
    /// Another token answers in the place of the one that was introduced. Nothing was asked of it.
    #[error("another token is in its place")]
    OtherToken,
    /// The token refused the key of the password or PIN. The session cannot be used any more.
    #[error("the token refuses the password")]
    WrongPassword,
    /// The token refused the PIN, and has this number of attempts left, if it counts them. The session cannot be used any
    /// more.
    #[error("the token refuses the PIN")]
    WrongPin(Option<u8>),
    /// The PIN was not tried, because only this number of attempts is left.
    #[error("the token has only {0} attempts at its PIN left")]
    AttemptsLow(u8),
    /// The PIN is blocked, because it was wrong too often.
    #[error("the PIN of the token is blocked")]
    PinBlocked,
    /// The PIN was sent to the token and its answer was lost, so the attempt may have been spent. The session cannot be used any
    /// more.
    #[error("the token did not say whether the PIN is right")]
    PinUnproven,
    /// The token accepted the key but could not prove that it knows it.
    #[error("the token doesn't know its own password")]
    Impostor,
    /// The token has no credential of this name.
    #[error("the token has no such credential")]
    NoSuchCredential,
    /// The token has a credential of this name, or one that it would mistake for it.
    #[error("the token has a credential of this name")]
    AlreadyExists,
    /// The token has no room for another credential.
    #[error("the token is full")]
    NoSpace,
    /// The answer to a command that changes the token was lost, so the token may have carried it out.
    #[error("the token may have carried out the change")]
    MaybeChanged,
    /// The issuer and the account are no name for this token.
    #[error("the issuer and the account are no name on this token")]
    UnusableName,
    /// The touch did not come in time.
    #[error("the token was not touched in time")]
    TouchTimedOut,
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
    /// This token or this credential does not support the request.
    #[error("{0}")]
    Unsupported(&'static str),
    /// No token of this family has the operation.
    #[error("tokens of this family have no {0}")]
    NotOnThisFamily(&'static str),
    /// The token sent an invalid response or an unexpected status word.
    #[error("{0}")]
    Malformed(String),
}
