//! The reasons why a value of the caller is refused before anything is sent.

/// The reason why an access token or a session is refused before it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is not a JSON Web Token.
    #[error("this is not an access token: {0}")]
    NotAToken(Defect),
    /// It is an ID token or another token that is not an access token.
    #[error("this token is not an access token; pass the access token of the sign-in")]
    WrongTokenUse,
    /// Its scopes do not include self-service.
    #[error("the access token lacks the scope aws.cognito.signin.user.admin; sign in with that scope")]
    ScopeMissing,
    /// It has expired.
    #[error("the access token has expired; get a new one and try again")]
    TokenExpired,
    /// It does not have the shape of a session.
    #[error("this is not a session: {0}")]
    SessionShape(Defect),
    /// Another value does not match the API's model.
    #[error("{0} does not have the form that Cognito uses")]
    Shape(&'static str),
}

/// The defect in the shape of an access token or a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Defect {
    /// It is empty, too short or too long.
    #[error("its length is wrong")]
    Length,
    /// It contains invalid characters.
    #[error("it contains invalid characters")]
    Characters,
    /// It does not consist of three parts with dots between them.
    #[error("it does not have three parts")]
    Parts,
    /// Its header or its claims are not the expected JSON.
    #[error("its header or claims are unreadable")]
    Claims,
}
