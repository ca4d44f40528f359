//! Immutable snapshots of all attached tokens.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use crate::device::{DeviceId, Problem};
use crate::oath::{Credential, ObjectId, TokenId};
use crate::token::{Error, Info, Token};

/// The attached tokens at one moment. A change produces a new snapshot.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The number of the snapshot; each one has a higher number than the one before it.
    pub version: u64,
    /// Whether all transports have reported and the first reading of each attached device has ended.
    pub settled: bool,
    /// The problems of the transports; while there is one, attached tokens may be missing.
    pub problems: BTreeSet<Problem>,
    /// The tokens, by id.
    pub tokens: BTreeMap<TokenId, Arc<Attached>>,
}

/// The key of a device: the index of its transport, and its id on that transport.
pub type DeviceKey = (usize, DeviceId);

/// An attached token.
#[derive(Clone, Debug)]
pub struct Attached {
    /// The description of the token. Its id is unique among the attached tokens.
    pub info: Info,
    /// The state of the device that serves the token.
    pub state: State,
    /// The credentials of the token, by id; empty while the token is locked.
    pub credentials: BTreeMap<ObjectId, Credential>,
    /// Whether a PIN hides credentials that may be there besides these.
    pub may_hide_more: bool,
    /// The handle to the device that serves the token.
    pub token: Token,
    /// The handles to the other devices of the token.
    pub standby: Vec<Token>,
    /// The names of the transports that the token is attached through, for example `pcsc`.
    pub transports: Vec<&'static str>,
    /// The keys of the token's devices, in the order of `transports`.
    pub devices: Vec<DeviceKey>,
}

impl Attached {
    /// The handles to all devices of the token; the first device serves it.
    pub fn handles(&self) -> impl Iterator<Item = &Token> {
        std::iter::once(&self.token).chain(&self.standby)
    }

    /// Whether the token may hold credentials that are unknown until it is unlocked.
    pub fn is_locked(&self) -> bool {
        self.state == State::Locked || self.may_hide_more
    }

    /// Whether it is a security key that has no usable OATH application, so it holds no credential.
    pub fn is_without_oath(&self) -> bool {
        matches!(self.state, State::NoOath | State::Error(Error::NfcRestricted))
    }

    /// Whether this token and `earlier` share a device, so that the token was attached without interruption.
    pub fn continues(&self, earlier: &Self) -> bool {
        self.devices.iter().any(|device| earlier.devices.contains(device))
    }
}

/// The state of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// The first reading has not ended.
    Reading,
    /// The credentials have been read.
    Ready,
    /// The token requires a password.
    Locked,
    /// Another program holds the token, so that it cannot be read.
    Busy,
    /// A security key whose OATH application is switched off or missing.
    NoOath,
    /// The token does not answer a command.
    Stuck,
    /// The last reading failed for another reason.
    Error(Error),
}

impl fmt::Display for State {
    /// The value of the `State` property on D-Bus.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reading => "reading",
            Self::Ready => "ready",
            Self::Locked => "locked",
            Self::Busy => "busy",
            Self::NoOath => "no-oath",
            Self::Stuck => "stuck",
            Self::Error(_) => "error",
        })
    }
}

/// A credential and the token that holds it.
#[derive(Clone, Debug)]
pub struct Found {
    /// The id of the credential.
    pub id: ObjectId,
    /// The credential.
    pub credential: Credential,
    /// The token.
    pub token: Arc<Attached>,
}

/// The reason why a credential is not found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// No such token is attached.
    Token,
    /// The token is locked or has a PIN, so its credentials or some of them are unknown.
    Locked,
    /// The token does not answer, so its credentials are unknown.
    Stuck,
    /// Another program holds the token, so its credentials are unknown or out of date.
    Busy,
    /// The token has no such credential.
    Credential,
}

impl Snapshot {
    pub(super) fn empty(settled: bool) -> Self {
        Self { version: 0, settled, problems: BTreeSet::new(), tokens: BTreeMap::new() }
    }

    /// Finds a credential by its id.
    ///
    /// # Errors
    ///
    /// The reason why there is no such credential in this snapshot.
    pub fn credential(&self, id: &ObjectId) -> Result<Found, Missing> {
        let attached = self.tokens.get(id.token()).ok_or(Missing::Token)?;
        match (attached.credentials.get(id), &attached.state) {
            (Some(credential), _) => {
                Ok(Found { id: id.clone(), credential: credential.clone(), token: Arc::clone(attached) })
            }
            (None, State::Stuck) => Err(Missing::Stuck),
            (None, State::Busy) => Err(Missing::Busy),
            (None, _) if attached.is_locked() => Err(Missing::Locked),
            (None, _) => Err(Missing::Credential),
        }
    }
}
