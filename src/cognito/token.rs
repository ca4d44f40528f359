//! Access tokens (JSON Web Tokens, RFC 7519), read only as far as necessary to refuse unusable ones.
//!
//! Cognito checks the signature, not this module. So the content of an access token is trusted only to choose among known
//! regions.

use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use zeroize::Zeroizing;

use super::Region;
use super::refused::{Defect, Refused};
use crate::secret::SecretText;

/// The maximum length of an access token, in characters; real ones have one or two thousand.
const MAX_TOKEN_CHARS: usize = 16 * 1024;
/// The tolerance for clocks that differ.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(30);
const REQUIRED_SCOPE: &str = "aws.cognito.signin.user.admin";
/// The suffixes of AWS host names after the region, by partition.
const SUFFIXES: [&str; 3] = [".amazonaws.com", ".amazonaws.com.cn", ".amazonaws.eu"];

/// An access token with a valid shape, with the scope for self-service, not expired. Its signature is not checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessToken {
    text: SecretText,
    region: Option<Region>,
    pool_id: Option<String>,
    client_id: Option<String>,
    users: Vec<SecretText>,
}

impl AccessToken {
    /// Checks the claims: `token_use` must be `access`, `scope` must contain `aws.cognito.signin.user.admin`, and `exp`
    /// (Unix seconds) must not be more than 30 s before `now_unix`.
    ///
    /// # Errors
    ///
    /// [`Refused`]; [`Refused::NotAToken`] also for more than 16 KiB.
    pub fn parse(text: SecretText, now_unix: Duration) -> Result<Self, Refused> {
        let claims = claims(text.expose()).map_err(Refused::NotAToken)?;
        if claims.token_use != "access" {
            return Err(Refused::WrongTokenUse);
        }
        if Duration::from_secs(claims.exp).saturating_add(CLOCK_TOLERANCE) < now_unix {
            return Err(Refused::TokenExpired);
        }
        if !claims.scope.split(' ').any(|scope| scope == REQUIRED_SCOPE) {
            return Err(Refused::ScopeMissing);
        }
        let issuer = Issuer::parse(&claims.iss);
        let users = [claims.sub, claims.username].into_iter().filter(|user| !user.is_empty());
        let users = users.map(SecretText::new).collect();
        let client_id = Some(claims.client_id).filter(|client| !client.is_empty());
        Ok(Self { text, region: issuer.region, pool_id: issuer.pool_id, client_id, users })
    }

    /// The region of the issuer; `None` if the issuer is not AWS or its region is not known.
    pub fn region(&self) -> Option<Region> {
        self.region
    }

    /// The user pool of the issuer, which need not be AWS.
    pub fn pool_id(&self) -> Option<&str> {
        self.pool_id.as_deref()
    }

    /// The app client that got the token, if the token names it.
    pub fn client_id(&self) -> Option<&str> {
        self.client_id.as_deref()
    }

    /// The names of its user: `sub` and the user name, as far as the token has them.
    pub fn users(&self) -> impl Iterator<Item = &str> {
        self.users.iter().map(SecretText::expose)
    }

    /// The token itself.
    pub(super) fn expose(&self) -> &str {
        self.text.expose()
    }
}

/// RFC 7519 §4.1, and Cognito's `token_use`. An absent claim is empty, and `parse` refuses it.
#[derive(Deserialize)]
struct Claims {
    #[serde(default)]
    iss: String,
    #[serde(default)]
    token_use: String,
    #[serde(default)]
    scope: String,
    exp: u64,
    #[serde(default)]
    sub: String,
    #[serde(default)]
    username: String,
    #[serde(default)]
    client_id: String,
}

fn claims(text: &str) -> Result<Claims, Defect> {
    if text.is_empty() || text.len() > MAX_TOKEN_CHARS {
        return Err(Defect::Length);
    }
    let mut parts = text.split('.');
    let (Some(header), Some(payload), Some(signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(Defect::Parts);
    };
    let header = decode(header)?;
    let payload = decode(payload)?;
    if decode(signature)?.is_empty() {
        return Err(Defect::Parts);
    }
    json::<std::collections::HashMap<String, IgnoredAny>>(&header)?;
    json(&payload)
}

fn decode(part: &str) -> Result<Zeroizing<Vec<u8>>, Defect> {
    BASE64URL_NOPAD.decode(part.as_bytes()).map(Zeroizing::new).map_err(|_| Defect::Characters)
}

fn json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Defect> {
    serde_json::from_slice(bytes).map_err(|_| Defect::Claims)
}

/// The content of `iss`: `https://HOST/POOL`.
#[derive(Default)]
struct Issuer {
    region: Option<Region>,
    pool_id: Option<String>,
}

impl Issuer {
    fn parse(text: &str) -> Self {
        let Some((scheme, rest)) = text.split_once("://") else {
            return Self::default();
        };
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let region = if scheme == "https" { region_of_host(host) } else { None };
        Self { region, pool_id: is_pool_id(path).then(|| path.to_owned()) }
    }
}

/// The region in `cognito-idp.REGION.SUFFIX` and `issuer-cognito-idp.REGION.SUFFIX`.
fn region_of_host(host: &str) -> Option<Region> {
    let host = host.strip_prefix("issuer-").unwrap_or(host).strip_prefix("cognito-idp.")?;
    let region = SUFFIXES.iter().find_map(|suffix| host.strip_suffix(suffix))?;
    Region::parse(region).ok()
}

/// The API's `UserPoolIdType`: 1 to 55 of `[\w-]+_[0-9a-zA-Z]+`.
fn is_pool_id(text: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let Some((region, id)) = text.rsplit_once('_') else {
        return false;
    };
    text.len() <= 55
        && !region.is_empty()
        && region.bytes().all(word)
        && !id.is_empty()
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const NOW: Duration = Duration::from_secs(1_800_000_000);

    fn good() -> Value {
        json!({
            "iss": "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbC123",
            "token_use": "access",
            "scope": "openid aws.cognito.signin.user.admin",
            "exp": NOW.as_secs() + 60,
            "sub": "canary",
            "username": "alice",
            "client_id": "client1",
        })
    }

    fn token(claims: &Value) -> String {
        let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
        format!("{}.{}.c2lnbmF0dXJl", part(&json!({"alg": "RS256"})), part(claims))
    }

    fn parse(text: &str) -> Result<AccessToken, Refused> {
        AccessToken::parse(SecretText::from(text), NOW)
    }

    fn with(key: &str, value: Value) -> Result<AccessToken, Refused> {
        let mut claims = good();
        claims[key] = value;
        parse(&token(&claims))
    }

    #[test]
    fn a_valid_token_has_region_and_pool() {
        let token = parse(&token(&good())).unwrap();
        assert_eq!(token.region().map(Region::as_str), Some("eu-central-1"));
        assert_eq!(token.pool_id(), Some("eu-central-1_AbC123"));
        assert!(!format!("{token:?}").contains(token.expose()));
        assert_eq!(token.users().collect::<Vec<_>>(), ["canary", "alice"]);
        assert!(!format!("{token:?}").contains("canary") && !format!("{token:?}").contains("alice"));
        assert_eq!(token.client_id(), Some("client1"));
    }

    #[test]
    fn invalid_claims_are_refused() {
        assert_eq!(with("token_use", json!("id")), Err(Refused::WrongTokenUse));
        assert_eq!(with("scope", json!("openid")), Err(Refused::ScopeMissing));
        assert_eq!(with("scope", json!("xaws.cognito.signin.user.admin")), Err(Refused::ScopeMissing));
        let second_before = |seconds| json!(NOW.as_secs() - seconds);
        assert!(with("exp", second_before(30)).is_ok());
        assert_eq!(with("exp", second_before(31)), Err(Refused::TokenExpired));
        assert!(with("exp", json!(u64::MAX)).is_ok());
        for exp in [json!(null), json!("1"), json!(-1)] {
            assert_eq!(with("exp", exp), Err(Refused::NotAToken(Defect::Claims)));
        }
    }

    #[test]
    fn invalid_shapes_are_refused() {
        let header = BASE64URL_NOPAD.encode(b"{}");
        for (text, defect) in [
            (String::new(), Defect::Length),
            ("x".repeat(MAX_TOKEN_CHARS + 1), Defect::Length),
            ("canary".to_owned(), Defect::Parts),
            (format!("{header}.{header}"), Defect::Parts),
            (format!("{header}.{header}."), Defect::Parts),
            (format!("{header}.{header}.c2ln.c2ln.c2ln"), Defect::Parts),
            (format!("{header}.{header}.c2ln\n"), Defect::Characters),
            (format!("{header}.{header}.c2lnbg=="), Defect::Characters),
            (format!("{header}.e2Zvbw.c2ln"), Defect::Claims),
            (format!("W10.{header}.c2ln"), Defect::Claims),
        ] {
            assert_eq!(parse(&text), Err(Refused::NotAToken(defect)), "{text:.40}");
        }
    }

    #[test]
    fn only_hosts_of_aws_have_a_region() {
        for (iss, region) in [
            ("https://issuer-cognito-idp.us-east-1.amazonaws.com/us-east-1_x", Some("us-east-1")),
            ("https://cognito-idp.cn-north-1.amazonaws.com.cn/cn-north-1_x", Some("cn-north-1")),
            ("https://cognito-idp.eusc-de-east-1.amazonaws.eu/eusc-de-east-1_x", Some("eusc-de-east-1")),
            ("http://cognito-idp.us-east-1.amazonaws.com/us-east-1_x", None),
            ("https://cognito-idp.us-east-1.amazonaws.com.evil.example/us-east-1_x", None),
            ("https://evil.example/cognito-idp.us-east-1.amazonaws.com", None),
            ("https://cognito-idp.evil.us-east-1.amazonaws.com/us-east-1_x", None),
            ("https://cognito-idp.us-east-1.amazonaws.com@evil.example/us-east-1_x", None),
            ("https://cognito-idp.us-moon-1.amazonaws.com/us-moon-1_x", None),
            ("http://127.0.0.1:9229/local_2", None),
            ("", None),
        ] {
            let token = with("iss", json!(iss)).unwrap();
            assert_eq!(token.region().map(Region::as_str), region, "{iss}");
        }
        assert_eq!(with("iss", json!("http://127.0.0.1:9229/local_2")).unwrap().pool_id(), Some("local_2"));
        assert_eq!(with("iss", json!("https://host/a/b_2")).unwrap().pool_id(), None);
    }
}
