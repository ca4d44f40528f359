//! What a person has to do for an operation.

use std::time::Duration;

use super::{Need, Operation};
use crate::oath::{ObjectId, TokenId};

/// An operation that goes on when a person has done something.
#[derive(Clone, Debug, PartialEq)]
pub struct Wait {
    /// What is to be done.
    pub need: Need,
    /// For which operation.
    pub operation: Operation,
    /// With which token, if that is known.
    pub token: Option<TokenId>,
    /// For which credential, if that is known.
    pub credential: Option<ObjectId>,
    /// Since when, in Unix time.
    pub since: Duration,
}

impl Wait {
    pub(super) fn of(operation: &Operation) -> Option<Self> {
        let (state, since) = operation.stands();
        Some(Self {
            need: state.need()?,
            operation: operation.clone(),
            token: operation.token(),
            credential: operation.credential(),
            since,
        })
    }
}
