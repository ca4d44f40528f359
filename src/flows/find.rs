//! Finds the credential of a request. Only exact matches count, and an ambiguous request is an error.

use std::sync::Arc;

use super::explained::explained;
use super::key_length::too_short;
use super::{Error, Flows};
use crate::oath::{Credential, ObjectId, TokenId};
use crate::operations::{self, Operation};
use crate::registry::{Attached, Found, Missing, Snapshot, State};
use crate::token;

/// The properties that a credential must match; an absent field matches everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// The exact issuer.
    pub issuer: Option<String>,
    /// The exact account.
    pub account: Option<String>,
    /// `totp`, `hotp` or `steam`.
    pub kind: Option<String>,
    /// The id of the token, or its serial number.
    pub token: Option<String>,
    /// The device name from Cognito. If several credentials match, it selects the one on the token with this name. If the
    /// query has no property of the credential itself, it excludes all tokens with another name.
    pub device: Option<String>,
}

impl Query {
    /// The matching credentials, and the locked tokens that may hold more.
    pub fn run(&self, snapshot: &Snapshot) -> (Vec<Found>, Vec<TokenId>) {
        let mut found = Vec::new();
        let mut locked = Vec::new();
        for (token_id, token) in snapshot.tokens.iter().filter(|(id, token)| self.wants(id, token)) {
            if token.is_locked() {
                locked.push(token_id.clone());
            }
            for (id, credential) in &token.credentials {
                if self.matches(credential) {
                    let (id, credential) = (id.clone(), credential.clone());
                    found.push(Found { id, credential, token: token.clone() });
                }
            }
        }
        (found, locked)
    }

    fn wants(&self, id: &TokenId, token: &Attached) -> bool {
        let is =
            |wanted: &String| *wanted == id.as_str() || (*wanted == token.info.serial && !wanted.is_empty());
        self.token.as_ref().is_none_or(is)
    }

    fn matches(&self, credential: &Credential) -> bool {
        let equal = |wanted: &Option<String>, has: &str| wanted.as_deref().is_none_or(|wanted| wanted == has);
        equal(&self.issuer, &credential.name.issuer)
            && equal(&self.account, &credential.name.account)
            && equal(&self.kind, credential.kind.word())
    }
}

/// The credential of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The credential with this id.
    Id(ObjectId),
    /// The only credential that matches.
    Query(Query),
}

impl Target {
    fn resolve(&self, snapshot: &Snapshot) -> Result<Found, Error> {
        match self {
            Self::Id(id) => Ok(snapshot.credential(id)?),
            Self::Query(query) => query.the_one(snapshot),
        }
    }

    /// As [`Target::resolve`], but a request that waits for a token does not get one that another program holds.
    fn resolve_for(&self, snapshot: &Snapshot, operation: &Operation) -> Result<Found, Error> {
        let found = self.resolve(snapshot)?;
        match found.token.state {
            State::Busy if operation.request().wait_for_token => Err(token::Error::Busy.into()),
            _ => Ok(found),
        }
    }

    /// The locked token that may hold the credential, if there is exactly one.
    fn locked_token(&self, snapshot: &Snapshot) -> Option<TokenId> {
        let Self::Query(query) = self else { return None };
        match query.candidates(snapshot).1.as_slice() {
            [one] => Some(one.clone()),
            _ => None,
        }
    }
}

impl Query {
    fn the_one(&self, snapshot: &Snapshot) -> Result<Found, Error> {
        let (mut found, locked) = self.candidates(snapshot);
        if !found.is_empty() && !self.names_credential() && self.device.is_none() {
            return Err(Error::Unnamed);
        }
        match (found.pop(), found.len()) {
            (Some(one), 0) => Ok(one),
            (Some(_), others) => Err(Error::Ambiguous(others + 1)),
            (None, _) if !locked.is_empty() => Err(self.no_match(true)),
            (None, _) if self.run(snapshot).0.is_empty() => Err(self.no_match(false)),
            (None, _) => Err(Error::OtherDevice),
        }
    }

    /// Like [`Query::run`], without the credentials of tokens that cannot hold the key of Cognito, and without those that the
    /// device name excludes. The user's configuration has priority over the device name, which was chosen freely at the
    /// enrolment.
    pub(super) fn candidates(&self, snapshot: &Snapshot) -> (Vec<Found>, Vec<TokenId>) {
        let (mut found, mut locked) = self.run(snapshot);
        // Without another candidate the error says why the token does not fit.
        if !locked.is_empty() || found.iter().any(|found| too_short(&found.token).is_none()) {
            found.retain(|found| too_short(&found.token).is_none());
        }
        let Some(device) = &self.device else { return (found, locked) };
        let is_it = |token: &Attached| device_name(token) == *device;
        if !self.names_credential() {
            found.retain(|found| is_it(&found.token));
            locked.retain(|id| snapshot.tokens.get(id).is_some_and(|token| is_it(token)));
        } else if found.len() > 1 && found.iter().any(|found| is_it(&found.token)) {
            found.retain(|found| is_it(&found.token));
        }
        (found, locked)
    }

    fn no_match(&self, locked: bool) -> Error {
        let names = [("issuer", &self.issuer), ("account", &self.account), ("token", &self.token)];
        let named = names.into_iter().filter_map(|(key, value)| Some(format!("{key} {:?}", value.as_ref()?)));
        Error::NoMatch { locked, wanted: named.collect::<Vec<_>>().join(", ") }
    }

    fn names_credential(&self) -> bool {
        self.issuer.is_some() || self.account.is_some()
    }
}

impl Flows {
    /// Finds the credential. Waits for its token to be plugged in or unlocked, if the request allows that.
    pub(super) async fn find(&self, target: &Target, operation: &Operation) -> Result<Found, Error> {
        self.find_other(target, operation, None).await
    }

    /// Like [`Flows::find`], after the token turned out to be absent or locked, so that its previous snapshot is out of date.
    pub(super) async fn find_again(
        &self,
        target: &Target,
        operation: &Operation,
        outdated: &Found,
    ) -> Result<Found, Error> {
        self.registry.caught_up().await;
        self.find_other(target, operation, Some(&outdated.token)).await
    }

    async fn find_other(
        &self,
        target: &Target,
        operation: &Operation,
        outdated: Option<&Arc<Attached>>,
    ) -> Result<Found, Error> {
        let mut snapshots = self.registry.subscribe();
        let mut limit = self.clock.sleep(operation.deadline().person(&*self.clock));
        let (mut has_rescanned, mut has_awaited) = (false, false);
        loop {
            let mut snapshot = Arc::clone(&snapshots.borrow_and_update());
            if target.resolve_for(&snapshot, operation).is_err() {
                snapshot = self.newer(&mut has_rescanned).await;
            }
            let error = match target.resolve_for(&snapshot, operation) {
                Ok(found) if outdated.is_some_and(|outdated| Arc::ptr_eq(outdated, &found.token)) => {
                    Missing::Token.into()
                }
                Ok(found) => {
                    if matches!(found.token.state, State::Error(_) | State::Busy) {
                        self.registry.request_rescan();
                    }
                    operation.set_credential(&found.id);
                    return Ok(found);
                }
                Err(error) if is_of_lock(&error) && !has_awaited => {
                    has_awaited = true;
                    self.await_attempts(operation).await;
                    continue;
                }
                Err(error) => {
                    let waiting =
                        waiting(&error, operation).ok_or_else(|| explained(error.clone(), &snapshot))?;
                    operation.set_token(target.locked_token(&snapshot).as_ref());
                    operation.set_state(waiting);
                    explained(error, &snapshot)
                }
            };
            tokio::select! {
                Ok(()) = snapshots.changed() => {}
                () = &mut limit => return Err(error),
                else => return Err(error),
            }
        }
    }

    /// A snapshot for a target that is missing in the one before it.
    async fn newer(&self, has_rescanned: &mut bool) -> Arc<Snapshot> {
        // A rescan publishes a new snapshot, so a rescan for each snapshot would never end.
        match std::mem::replace(has_rescanned, true) {
            false => self.registry.rescanned().await,
            true => self.registry.settled().await,
        }
    }
}

/// Whether the credential may be on a locked token.
fn is_of_lock(error: &Error) -> bool {
    matches!(error, Error::Missing(Missing::Locked) | Error::NoMatch { locked: true, .. })
}

/// The waiting state for a credential that was not found; `None` if the operation must not wait.
fn waiting(error: &Error, operation: &Operation) -> Option<operations::State> {
    let request = operation.request();
    match error {
        Error::Missing(Missing::Token | Missing::Busy)
        | Error::NoMatch { locked: false, .. }
        | Error::OtherDevice
        | Error::Token(token::Error::Busy) => {
            request.wait_for_token.then_some(operations::State::WaitingToken)
        }
        Error::Missing(Missing::Locked) | Error::NoMatch { locked: true, .. } => {
            request.interactive.then_some(operations::State::WaitingUnlock)
        }
        _ => None,
    }
}

/// Whether a person can resolve the error, and the request may wait for that.
pub(super) fn is_curable(error: &Error, operation: &Operation) -> bool {
    match error {
        Error::Token(token::Error::Locked) => operation.request().interactive,
        Error::Token(token::Error::Removed) => operation.request().wait_for_token,
        _ => false,
    }
}

/// The device name of a token in Cognito: its model and the last four digits of its serial number.
pub(super) fn device_name(token: &Attached) -> String {
    let info = &token.info;
    let tail: String = info.serial.chars().skip(info.serial.chars().count().saturating_sub(4)).collect();
    format!("{} {tail}", info.model).trim().to_owned()
}
