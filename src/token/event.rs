//! The events of a worker.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use super::Error;
use super::abilities::Abilities;
use super::pin::Listed;
use crate::oath::TokenId;

/// An event of one token. Events arrive in the order in which they happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// The device has an OATH application, and its first reading goes on.
    Begun,
    /// The token has an OATH application, and a reading of it has ended. This event precedes all events except [`Event::Begun`],
    /// [`Event::NoApplication`], [`Event::Failed`] and those of the supervision.
    Selected(Info),
    /// The token requires a password to list its credentials.
    Locked,
    /// The credentials were read.
    Ready(Listed),
    /// The device is a security key whose OATH application is switched off or missing. The description is that of its place.
    WithoutOath(Info),
    /// The device has no OATH application, or the configuration no longer names it. This takes back [`Event::Selected`].
    NoApplication,
    /// Another token answers in the place of this one, as after a suspend. The device is to be attached again; its worker
    /// ends. An event of its supervision may still follow.
    Replaced,
    /// A reading failed.
    Failed(Error),
    /// Another program has held the token for so long that callers should not wait for the reading.
    Held,
    /// The token does not answer a command.
    Stuck,
    /// The token has answered after [`Event::Stuck`].
    Revived,
}

/// The description of a token. A string is empty if its value is unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Info {
    /// The stable id, `<family>_<value>`.
    pub id: TokenId,
    /// The vendor.
    pub vendor: String,
    /// The model.
    pub model: String,
    /// The protocol family: `ykoath`, `otpslot` or `nitrokeypro`.
    pub family: &'static str,
    /// The serial number, in the notation of the vendor's tools.
    pub serial: String,
    /// The firmware version.
    pub firmware: String,
    /// The name of the reader; empty if the token is in none.
    pub reader: String,
    /// Whether it is a virtual token.
    pub is_virtual: bool,
    /// The name of the transport: `pcsc` or `virtual`.
    pub transport: &'static str,
    /// Whether a PIN is set, which may hide credentials.
    pub pin_set: bool,
    /// The number of PIN attempts left, if the token counts them.
    pub attempts_left: Option<u8>,
    /// Whether the token waits for a touch before it looks at a PIN.
    pub pin_needs_touch: bool,
    /// Whether the token calculates codes for the time of its own clock.
    pub own_clock: bool,
    /// The maximum length of a key in bytes, if the token cannot hold longer ones.
    pub max_key: Option<usize>,
    /// What its kind is known to be able to do.
    pub abilities: Abilities,
    /// The name under which the keys of its passwords are kept, as `ykman` computes it; it changes with a reset of the token.
    /// `None` for a token that has no passwords.
    pub device_id: Option<String>,
}

/// The first part of the id of a token that is known by its reader only.
const UNIDENTIFIED: &str = "reader";

impl Info {
    /// The description of a card that could not be read since its insertion: `reader_` and a hash of the reader's name.
    pub fn unidentified(reader: &OsStr, is_virtual: bool, transport: &'static str) -> Self {
        Self {
            id: TokenId::of_hash(UNIDENTIFIED, reader.as_bytes()),
            vendor: String::new(),
            model: String::new(),
            family: "",
            serial: String::new(),
            firmware: String::new(),
            reader: reader.display().to_string(),
            is_virtual,
            transport,
            pin_set: false,
            attempts_left: None,
            pin_needs_touch: false,
            own_clock: false,
            max_key: None,
            device_id: None,
            abilities: Abilities::default(),
        }
    }

    /// Whether only the reader of the token is known.
    pub fn is_unidentified(&self) -> bool {
        self.id.is_of_family(UNIDENTIFIED)
    }
}
