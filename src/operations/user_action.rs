//! The action that a person must take for an operation.

use std::time::Duration;

use super::{ActionKind, Operation};
use crate::oath::{ObjectId, TokenId};

/// An operation that waits for an action of a person.
#[derive(Clone, Debug, PartialEq)]
pub struct UserAction {
    /// The kind of action.
    pub kind: ActionKind,
    /// The operation.
    pub operation: Operation,
    /// The id of the token, if it is known.
    pub token: Option<TokenId>,
    /// The id of the credential, if it is known.
    pub credential: Option<ObjectId>,
    /// The start of the wait, in Unix time.
    pub since: Duration,
}

impl UserAction {
    pub(super) fn of(operation: &Operation) -> Option<Self> {
        let (state, since) = operation.stands();
        Some(Self {
            kind: state.user_action()?,
            operation: operation.clone(),
            token: operation.token(),
            credential: operation.credential(),
            since,
        })
    }
}
