//! Credential ids: names that contain period, issuer and account.

use std::fmt;

use crate::oath::CredentialName;
use crate::otp::Period;
use crate::text::escape;

/// A credential's name on its token, 1 to 64 bytes; by convention `[period/][issuer:]account`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CredentialId(Vec<u8>);

impl CredentialId {
    /// The maximum length that any token supports, in bytes.
    pub const MAX_LENGTH: usize = 64;

    /// An id from a token.
    ///
    /// # Errors
    ///
    /// [`UnusableName`] if it is empty or longer than 64 bytes.
    pub fn new(bytes: &[u8]) -> Result<Self, UnusableName> {
        match bytes.len() {
            1..=Self::MAX_LENGTH => Ok(Self(bytes.to_vec())),
            _ => Err(UnusableName),
        }
    }

    /// The id of a new TOTP credential.
    ///
    /// # Errors
    ///
    /// [`UnusableName`] if it is too long, or if parsing it gives another result, as for an issuer with a colon.
    pub fn totp(period: Period, issuer: Option<&str>, account: &str) -> Result<Self, UnusableName> {
        let prefix = format!("{}/", period.seconds());
        let plain = if period == Period::DEFAULT { "" } else { &prefix };
        let id = Self::from_parts(plain, period, issuer, account, false);
        // Behind a period of its own, a name that begins like one is read as a name: `30/60/Shop:alice`.
        id.or_else(|_| Self::from_parts(&prefix, period, issuer, account, false))
    }

    /// The id of a new HOTP credential.
    ///
    /// # Errors
    ///
    /// Like [`CredentialId::totp`].
    pub fn hotp(issuer: Option<&str>, account: &str) -> Result<Self, UnusableName> {
        Self::from_parts("", Period::DEFAULT, issuer, account, true)
    }

    /// The id's bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Parses it like yubikit: `^((\d+)/)?(([^:]+):)?(.+)$`, and for HOTP up to the first colon.
    ///
    /// Any bytes are a valid name. Bytes that are not text are replaced, and characters that could mislead a reader are
    /// escaped, so two ids may have the same name.
    pub fn parse(&self, hotp: bool) -> CredentialName {
        let text = String::from_utf8_lossy(&self.0);
        let (period, rest) = if hotp { (Period::DEFAULT, &*text) } else { split_period(&text) };
        let (issuer, account) = rest
            .split_once(':')
            .filter(|(issuer, account)| hotp || !(issuer.is_empty() || account.is_empty()))
            .unwrap_or(("", rest));
        CredentialName { bytes: self.0.clone(), issuer: escape(issuer), account: escape(account), period }
    }

    fn from_parts(
        prefix: &str,
        period: Period,
        issuer: Option<&str>,
        account: &str,
        hotp: bool,
    ) -> Result<Self, UnusableName> {
        let issuer = issuer.unwrap_or_default();
        let colon = if issuer.is_empty() { "" } else { ":" };
        let id = Self::new(format!("{prefix}{issuer}{colon}{account}").as_bytes())?;
        let read = id.parse(hotp);
        let is_same = read.period == period && read.issuer == issuer && read.account == account;
        if account.is_empty() || !is_same { Err(UnusableName) } else { Ok(id) }
    }
}

impl fmt::Debug for CredentialId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CredentialId({} bytes)", self.0.len())
    }
}

/// A name that is not a valid credential id, or that is parsed differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("issuer and account are not a credential name of 1 to 64 bytes")]
pub struct UnusableName;

/// Splits off the period. An unsupported period is part of the name instead.
fn split_period(text: &str) -> (Period, &str) {
    let whole = (Period::DEFAULT, text);
    let Some((digits, rest)) = text.split_once('/') else {
        return whole;
    };
    if rest.is_empty() || digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return whole;
    }
    match digits.parse().ok().and_then(|seconds| Period::new(seconds).ok()) {
        Some(period) => (period, rest),
        None => whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(id: &[u8], hotp: bool) -> (u32, String, String) {
        let name = CredentialId::new(id).unwrap().parse(hotp);
        (name.period.seconds(), name.issuer, name.account)
    }

    fn parts(period: u32, issuer: &str, account: &str) -> (u32, String, String) {
        (period, issuer.to_owned(), account.to_owned())
    }

    #[test]
    fn totp_names_are_parsed_like_yubikit() {
        for (id, expected) in [
            ("AWS:alice", parts(30, "AWS", "alice")),
            ("60/AWS:bob", parts(60, "AWS", "bob")),
            ("alice", parts(30, "", "alice")),
            ("15/alice", parts(15, "", "alice")),
            ("a:b:c", parts(30, "a", "b:c")),
            ("AWS/x:alice", parts(30, "AWS/x", "alice")),
            // If the regular expression backtracks, a part is missing and the rest is the account.
            ("30/", parts(30, "", "30/")),
            ("AWS:", parts(30, "", "AWS:")),
            (":alice", parts(30, "", ":alice")),
            ("60/AWS:", parts(60, "", "AWS:")),
            ("0/alice", parts(30, "", "0/alice")),
            ("99999999999/alice", parts(30, "", "99999999999/alice")),
        ] {
            assert_eq!(parsed(id.as_bytes(), false), expected, "{id}");
        }
    }

    #[test]
    fn hotp_names_have_no_period_and_split_at_the_first_colon() {
        assert_eq!(parsed(b"60/AWS:bob", true), parts(30, "60/AWS", "bob"));
        assert_eq!(parsed(b"ctr", true), parts(30, "", "ctr"));
        assert_eq!(parsed(b":x", true), parts(30, "", "x"));
    }

    #[test]
    fn misleading_characters_in_names_are_escaped() {
        assert_eq!(parsed(b"A\xff:\x1b[2J\0", false), parts(30, "A\u{fffd}", "\\u{1b}[2J\\u{0}"));
        assert_eq!(parsed("a\u{202e}b".as_bytes(), false), parts(30, "", "a\\u{202e}b"));
    }

    #[test]
    fn new_ids_have_the_documented_bytes() {
        let minute = Period::new(60).unwrap();
        assert_eq!(CredentialId::totp(Period::DEFAULT, Some("AWS"), "alice").unwrap().bytes(), b"AWS:alice");
        assert_eq!(CredentialId::totp(minute, Some("AWS"), "bob").unwrap().bytes(), b"60/AWS:bob");
        assert_eq!(CredentialId::hotp(None, "ctr").unwrap().bytes(), b"ctr");
    }

    #[test]
    fn an_id_that_is_parsed_differently_is_refused() {
        let totp = |issuer: Option<&str>, account: &str| CredentialId::totp(Period::DEFAULT, issuer, account);
        assert_eq!(totp(Some("a:b"), "c"), Err(UnusableName));
        assert_eq!(totp(None, "12/c").unwrap().bytes(), b"30/12/c");
        assert_eq!(totp(Some("60/Shop"), "alice").unwrap().bytes(), b"30/60/Shop:alice");
        assert_eq!(totp(None, "a:b"), Err(UnusableName));
        assert_eq!(totp(Some("a"), ""), Err(UnusableName));
        assert_eq!(totp(None, "a\nb"), Err(UnusableName));
        assert_eq!(totp(None, &"x".repeat(65)), Err(UnusableName));
        assert!(totp(None, &"x".repeat(64)).is_ok());
        assert_eq!(CredentialId::hotp(None, "a:b"), Err(UnusableName));
        assert!(CredentialId::hotp(None, "12/c").is_ok());
    }

    #[test]
    fn debug_output_contains_no_name() {
        assert_eq!(format!("{:?}", CredentialId::new(b"AWS:alice").unwrap()), "CredentialId(9 bytes)");
    }
}
