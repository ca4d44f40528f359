//! URIs as programs write them.

use super::*;
use crate::oath::{Algorithm, Kind, NewCredential};

const SEED: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

fn parsed(uri: &str) -> NewCredential {
    parse(uri).unwrap_or_else(|error| panic!("{uri}: {error}"))
}

fn names(uri: &str) -> (String, String) {
    let new = parsed(uri);
    (new.issuer, new.account)
}

#[test]
fn the_defaults_are_those_of_the_format() {
    let new = parsed(&format!("otpauth://totp/AWS:alice?secret={SEED}"));
    assert_eq!((new.issuer.as_str(), new.account.as_str()), ("AWS", "alice"));
    assert_eq!((new.kind, new.algorithm, new.digits.get()), (Kind::Totp, Algorithm::Sha1, 6));
    assert_eq!((new.period.seconds(), new.counter, new.touch), (30, 0, false));
    assert_eq!(new.key.expose(), b"12345678901234567890");
}

#[test]
fn every_parameter_is_read() {
    let new = parsed(&format!(
        "OTPAUTH://HOTP/x?SECRET={SEED}&algorithm=sha256&digits=8&counter=7&period=60&image=y&lock=z"
    ));
    assert_eq!((new.kind, new.algorithm), (Kind::Hotp, Algorithm::Sha256));
    assert_eq!((new.digits.get(), new.counter, new.period.seconds()), (8, 7, 30));
    for (text, algorithm) in
        [("SHA-1", Algorithm::Sha1), ("HmacSHA256", Algorithm::Sha256), ("sha-512", Algorithm::Sha512)]
    {
        assert_eq!(parsed(&format!("otpauth://totp/x?secret={SEED}&algorithm={text}")).algorithm, algorithm);
    }
    assert_eq!(parsed(&format!("otpauth://totp/x?secret={SEED}&period=60")).period.seconds(), 60);
    assert_eq!(parsed(&format!("otpauth://hotp/x?secret={SEED}")).counter, 0, "many leave it out");
}

#[test]
fn a_plus_is_a_space_or_a_plus() {
    let pair = |issuer: &str, account: &str| (issuer.to_owned(), account.to_owned());
    for (label, issuer, expected) in [
        ("alice+aws@example.com", "", pair("", "alice+aws@example.com")),
        ("AWS%20Cognito:alice", "&issuer=AWS+Cognito", pair("AWS Cognito", "alice")),
        ("AWS+Cognito:alice", "&issuer=AWS+Cognito", pair("AWS+Cognito", "alice")),
        ("AWS+Cognito:alice", "&issuer=AWS%20Cognito", pair("AWS Cognito", "alice")),
        ("C%2B%2B:alice", "&issuer=C%2B%2B", pair("C++", "alice")),
        ("alice", "&issuer=AWS+Cognito", pair("AWS Cognito", "alice")),
        ("Old:alice", "&issuer=New", pair("New", "alice")),
        ("AWS%3A%20alice", "", pair("AWS", "alice")),
        ("60%2FShop:alice", "", pair("60/Shop", "alice")),
        ("a:b:c", "", pair("a", "b:c")),
    ] {
        assert_eq!(names(&format!("otpauth://totp/{label}?secret={SEED}{issuer}")), expected, "{label}");
    }
}

#[test]
fn codes_of_steam_are_known_by_type_or_issuer() {
    for uri in ["steam/Steam:me", "totp/Steam:me", "steam/me"] {
        let new = parsed(&format!("otpauth://{uri}?secret={SEED}&digits=5"));
        assert_eq!((new.kind, new.issuer.as_str(), new.digits.get()), (Kind::Steam, "Steam", 6), "{uri}");
    }
}

#[test]
fn seeds_are_read_in_every_spelling() {
    let bytes = |text: &str| seed(text).map(|seed| seed.expose().to_vec());
    for text in
        [SEED.to_lowercase(), "GEZD GNBV-GY3T QOJQ GEZD GNBV GY3T QOJQ====".to_owned(), format!(" {SEED}\n")]
    {
        assert_eq!(bytes(&text).unwrap(), b"12345678901234567890", "{text}");
    }
    assert_eq!(bytes("MFRGGZDFMZTWQ2LK").unwrap().len(), 10, "80 bits");
    // 32 bytes in 52 letters, with each value of the spare bits.
    let long = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZA";
    for last in ["A", "B", "P"] {
        let text = format!("{}{last}", &long[..51]);
        assert_eq!(bytes(&text).unwrap(), b"12345678901234567890123456789012", "{last}");
    }
    for text in ["", "A", "1234", "GEZDGN!V", "otpauth://x"] {
        assert!(matches!(bytes(text), Err(Error::NotBase32 | Error::SeedLength { .. })), "{text}");
    }
    assert_eq!(bytes("AA"), Err(Error::SeedLength { bytes: 1 }));
    assert_eq!(bytes(&"A".repeat(400)), Err(Error::SeedLength { bytes: 250 }));
}

#[test]
fn what_is_no_credential_is_refused_with_its_reason() {
    for (uri, expected) in [
        (format!("https://totp/x?secret={SEED}"), Error::Kind),
        (format!("otpauth://motp/x?secret={SEED}"), Error::Kind),
        ("otpauth://totp/x".to_owned(), Error::NoSecret),
        ("otpauth://totp/x?issuer=y".to_owned(), Error::NoSecret),
        (format!("otpauth://totp?secret={SEED}"), Error::NoAccount),
        (format!("otpauth://totp/AWS:?secret={SEED}"), Error::NoAccount),
        (format!("otpauth://totp/%ff?secret={SEED}"), Error::Encoding),
        (format!("otpauth://totp/x?secret={SEED}&secret={SEED}"), Error::Twice("secret")),
        ("otpauth://totp/x?secret=0189".to_owned(), Error::NotBase32),
        (format!("otpauth://totp/x?secret={SEED}&digits=5"), Error::Value("digits")),
        (format!("otpauth://totp/x?secret={SEED}&digits=six"), Error::Value("digits")),
        (format!("otpauth://totp/x?secret={SEED}&period=0"), Error::Value("period")),
        (format!("otpauth://totp/x?secret={SEED}&algorithm=MD5"), Error::Value("algorithm")),
        (format!("otpauth://hotp/x?secret={SEED}&counter=-1"), Error::Value("counter")),
    ] {
        assert_eq!(parse(&uri).unwrap_err(), expected, "{uri}");
    }
    assert!(is_uri("OtpAuth://totp/x") && !is_uri(SEED) && !is_uri("otpauth"));
}
