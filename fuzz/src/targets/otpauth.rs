//! The readers of new credentials (`src/otpauth/`): URIs, migration payloads and seeds.

use oathbridge::otpauth::{self, NewCredential, migration};

/// Whether the text is a credential, an export or a seed.
pub fn run(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    if let Ok(credential) = otpauth::parse(text) {
        assert!(otpauth::is_uri(text), "a credential of a text that is no URI");
        check(&credential);
        return true;
    }
    if let Ok(payload) = migration::read(text) {
        assert!(!payload.credentials.is_empty(), "an export without an account");
        payload.credentials.iter().for_each(check);
        return true;
    }
    otpauth::seed(text).is_ok_and(|seed| {
        assert!(!seed.expose().is_empty() && seed.expose().len() <= text.len(), "a seed of another length");
        true
    })
}

fn check(credential: &NewCredential) {
    let NewCredential { issuer, account, digits, .. } = credential;
    assert!((6..=8).contains(&digits.get()), "codes of {} digits", digits.get());
    let issuer = issuer.as_deref();
    assert!(issuer != Some("") && !account.is_empty(), "an empty name");
    assert!(!issuer.is_some_and(|issuer| issuer.contains(':')), "an issuer with a colon");
    let mut letters = issuer.unwrap_or_default().chars().chain(account.chars());
    assert!(!letters.any(char::is_control), "a name with a control character");
    let again = otpauth::parse(&otpauth::to_uri(credential));
    assert!(again.as_ref() == Ok(credential), "the URI of a credential is read as another one");
}
