//! What a worker learns about its token.

use super::Error;
use crate::oath::{Credential, TokenId};

/// News about one token, in the order they happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// It has the OATH application. Sent before any of those below.
    Selected(Info),
    /// It wants a password before it shows its credentials.
    Locked,
    /// These are its credentials.
    Ready(Vec<Credential>),
    /// It is no OATH token.
    NoApplication,
    /// Reading it failed.
    Failed(Error),
    /// Another program has had it for so long that nobody should wait for its being read.
    Held,
    /// It hangs.
    Stuck,
    /// It hung, and has answered after all.
    Revived,
}

/// What there is to say about a token besides its credentials. Strings are empty where nothing is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Info {
    /// Its stable name, `<family>_<value>`.
    pub id: TokenId,
    /// Who made it.
    pub vendor: String,
    /// What it is called.
    pub model: String,
    /// Which protocol family it belongs to: `ykoath`.
    pub family: &'static str,
    /// Its serial number, decimal.
    pub serial: String,
    /// Its firmware's version.
    pub firmware: String,
    /// The reader it is in.
    pub reader: String,
    /// Made of software, by us.
    pub is_virtual: bool,
    /// How it is attached: `pcsc` or `virtual`.
    pub transport: &'static str,
    /// How often a wrong PIN may still be tried, if the token counts.
    pub attempts_left: Option<u8>,
}
