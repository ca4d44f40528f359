//! What a caller shows to Cognito, checked before a token is touched or anything is sent.

use super::{AccessToken, Session};

/// In whose name a request is made: exactly one of the two.
#[derive(Clone, Debug)]
pub enum Authorization {
    /// A signed-in user's access token.
    AccessToken(AccessToken),
    /// The session of a sign-in under way.
    Session(Session),
}

/// Why an access token or a session is not worth sending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It isn't a JSON Web Token.
    #[error("this is not an access token: {0}")]
    NotAToken(Defect),
    /// It is an ID token, or something else than an access token.
    #[error("this token is not an access token; pass the access token of the sign-in")]
    WrongTokenUse,
    /// Its scopes don't allow self-service.
    #[error("the access token lacks the scope aws.cognito.signin.user.admin; sign in with that scope")]
    ScopeMissing,
    /// Its time is over.
    #[error("the access token has expired; get a new one and try again")]
    TokenExpired,
    /// It can't be a session.
    #[error("this is not a session: {0}")]
    SessionShape(Defect),
    /// Something else has not the form that the API's model demands.
    #[error("{0} has not the form that Cognito gives it")]
    Shape(&'static str),
}

/// What is wrong with the shape of an access token or a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Defect {
    /// It is empty, too short or too long.
    #[error("its length is wrong")]
    Length,
    /// It contains characters that don't belong there.
    #[error("it contains characters that don't belong there")]
    Characters,
    /// It isn't three parts with dots between them.
    #[error("it has not three parts")]
    Parts,
    /// Its header or its claims aren't the JSON they should be.
    #[error("its header or claims are unreadable")]
    Claims,
}
