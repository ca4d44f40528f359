//! One moment's view of all tokens.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use crate::device::{DeviceId, Problem};
use crate::oath::{Credential, ObjectId, TokenId};
use crate::token::{Error, Info, Token};

/// Everything attached at one moment. Never changed, only replaced.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Grows with each snapshot.
    pub version: u64,
    /// Everything present has been read.
    pub settled: bool,
    /// Why there may be tokens that can't be seen.
    pub problems: BTreeSet<Problem>,
    /// The tokens, by id.
    pub tokens: BTreeMap<TokenId, Arc<Attached>>,
}

/// Which device: the place of its transport in the list of transports, and its name there.
pub type DeviceKey = (usize, DeviceId);

/// An attached token.
#[derive(Clone, Debug)]
pub struct Attached {
    /// Its names; the id is unique among the attached tokens.
    pub info: Info,
    /// What it can do now.
    pub state: State,
    /// Its credentials, by id; empty while it is locked.
    pub credentials: BTreeMap<ObjectId, Credential>,
    /// The handle to the device that serves it.
    pub token: Token,
    /// The handles to its other devices.
    pub standby: Vec<Token>,
    /// The transports that it is attached through, for example `pcsc`.
    pub transports: Vec<&'static str>,
    /// Its devices, in the order of `transports`.
    pub devices: Vec<DeviceKey>,
}

impl Attached {
    /// The handles to all its devices; the first one serves the token.
    pub fn handles(&self) -> impl Iterator<Item = &Token> {
        std::iter::once(&self.token).chain(&self.standby)
    }

    /// Whether a device of this token was attached before as well, as one of `earlier`.
    pub fn continues(&self, earlier: &Self) -> bool {
        self.devices.iter().any(|device| earlier.devices.contains(device))
    }
}

/// What a token can do now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Its credentials are being listed.
    Reading,
    /// It answers.
    Ready,
    /// It wants a password.
    Locked,
    /// It doesn't answer any more.
    Stuck,
    /// It could not be read.
    Error(Error),
}

impl fmt::Display for State {
    /// The word of the D-Bus contract.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reading => "reading",
            Self::Ready => "ready",
            Self::Locked => "locked",
            Self::Stuck => "stuck",
            Self::Error(_) => "error",
        })
    }
}

/// A credential and the token that holds it.
#[derive(Clone, Debug)]
pub struct Found {
    /// The id it was found by.
    pub id: ObjectId,
    /// The credential.
    pub credential: Credential,
    /// Its token.
    pub token: Arc<Attached>,
}

/// Why a credential can't be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// No such token is attached.
    Token,
    /// Its token is locked, so nobody knows.
    Locked,
    /// Its token doesn't answer, so nobody knows.
    Stuck,
    /// Its token is there and has no such credential.
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
    /// [`Missing`].
    pub fn credential(&self, id: &ObjectId) -> Result<Found, Missing> {
        let attached = self.tokens.get(id.token()).ok_or(Missing::Token)?;
        match (attached.credentials.get(id), &attached.state) {
            (Some(credential), _) => {
                Ok(Found { id: id.clone(), credential: credential.clone(), token: Arc::clone(attached) })
            }
            (None, State::Locked) => Err(Missing::Locked),
            (None, State::Stuck) => Err(Missing::Stuck),
            (None, _) => Err(Missing::Credential),
        }
    }
}
