//! Random values in the form of Cognito: seeds, sessions, access tokens, request ids.

use std::io;
use std::time::Duration;

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use serde_json::json;

use super::sign;

/// The validity of an access token.
pub(super) const TOKEN_LIFE: Duration = Duration::from_secs(3_600);

/// 32 bytes, as with AWS: 52 characters of base32.
pub(super) fn seed() -> io::Result<Vec<u8>> {
    random(32)
}

/// A session; real ones have about 1,560 characters.
pub(super) fn session() -> io::Result<String> {
    Ok(BASE64URL_NOPAD.encode(&random(1_170)?))
}

/// A UUID.
pub(super) fn uuid() -> io::Result<String> {
    let hex = HEXLOWER.encode(&random(16)?);
    let part = |range| hex.get(range).unwrap_or_default();
    Ok([part(0..8), part(8..12), part(12..16), part(16..20), part(20..32)].join("-"))
}

/// An access token with Cognito's claims.
pub(super) fn access_token(issuer: &str, user: &str, sub: &str, now: Duration) -> io::Result<String> {
    let claims = json!({
        "sub": sub,
        "iss": issuer,
        "client_id": "fakeclientid00000000000001",
        "origin_jti": uuid()?,
        "event_id": uuid()?,
        "token_use": "access",
        "scope": "aws.cognito.signin.user.admin",
        "auth_time": now.as_secs(),
        "exp": (now + TOKEN_LIFE).as_secs(),
        "iat": now.as_secs(),
        "jti": uuid()?,
        "username": user,
    });
    sign::token(&claims)
}

/// An ID token for an app client.
pub(super) fn id_token(
    issuer: &str,
    user: &str,
    sub: &str,
    client: &str,
    now: Duration,
) -> io::Result<String> {
    let claims = json!({
        "sub": sub,
        "iss": issuer,
        "aud": client,
        "token_use": "id",
        "auth_time": now.as_secs(),
        "exp": (now + TOKEN_LIFE).as_secs(),
        "iat": now.as_secs(),
        "cognito:username": user,
    });
    sign::token(&claims)
}

pub(super) fn random(length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    getrandom::fill(&mut bytes).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(bytes)
}
