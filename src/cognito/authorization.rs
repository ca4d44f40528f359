//! The caller's access token or session, checked before the hardware token is used or anything is sent.

use super::{AccessToken, Session};

/// The authorization of a request: exactly one of the two.
#[derive(Clone, Debug)]
pub enum Authorization {
    /// A signed-in user's access token.
    AccessToken(AccessToken),
    /// The session of a sign-in in progress.
    Session(Session),
}
