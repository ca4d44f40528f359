//! PUT, DELETE and RENAME. The bytes are those of tokens that yubikey-manager has written.

use super::*;
use crate::device::NoProgress;
use crate::oath::{Error as OathError, NewCredential};
use crate::otp::Period;
use crate::secret::SecretBytes;

const KEY_20: &str = "31 32 33 34 35 36 37 38 39 30 31 32 33 34 35 36 37 38 39 30";
const EMPTY: &str = "90 00";
/// LIST with the credential AWS:alice.
const ALICE: &str = "72 0A 21 41 57 53 3A 61 6C 69 63 65 90 00";
const NAME: &str = "71 09 41 57 53 3A 61 6C 69 63 65";

fn alice() -> NewCredential {
    NewCredential {
        issuer: "AWS".to_owned(),
        account: "alice".to_owned(),
        kind: Kind::Totp,
        algorithm: Algorithm::Sha1,
        digits: Digits::new(8).unwrap(),
        period: Period::DEFAULT,
        counter: 0,
        touch: false,
        key: SecretBytes::new(b"12345678901234567890".to_vec()),
    }
}

/// A selection, the list, and one more command.
fn listed<'s>(selected: &'s str, list: &'s str, more: &'s [(&'s str, &'s str)]) -> Script {
    let begin = [(SELECT, selected), (CALCULATE_ALL, "6A 80"), (LIST, list)];
    Script::new(&[&begin, more].concat())
}

#[expect(clippy::unwrap_in_result, reason = "a card without the application is no result of this")]
fn add(selected: &str, list: &str, new: &NewCredential, more: &[(&str, &str)]) -> Result<Vec<u8>, OathError> {
    let mut card = listed(selected, list, more);
    let result = select(&mut card).unwrap().add(new, &NoProgress).map(|name| name.bytes);
    card.assert_finished();
    result
}

#[test]
fn a_credential_is_written_with_its_key_and_properties() {
    let put = format!("00 01 00 00 23 {NAME} 73 16 21 08 {KEY_20}");
    assert_eq!(add(UNLOCKED, EMPTY, &alice(), &[(&put, EMPTY)]).unwrap(), b"AWS:alice");
    let counter = NewCredential {
        issuer: String::new(),
        account: "ctr".to_owned(),
        kind: Kind::Hotp,
        digits: Digits::SIX,
        counter: 5,
        touch: true,
        ..alice()
    };
    let put = format!("00 01 00 00 25 71 03 63 74 72 73 16 11 06 {KEY_20} 78 02 7A 04 00 00 00 05");
    assert_eq!(add(UNLOCKED, EMPTY, &counter, &[(&put, EMPTY)]).unwrap(), b"ctr");
}

#[test]
fn keys_are_padded_and_long_ones_hashed() {
    let short = NewCredential { key: SecretBytes::new(vec![1, 2]), ..alice() };
    let put = format!("00 01 00 00 1D {NAME} 73 10 21 08 01 02 {}", "00 ".repeat(12));
    add(UNLOCKED, EMPTY, &short, &[(&put, EMPTY)]).unwrap();
    let long = NewCredential { key: SecretBytes::new(vec![0x0b; 65]), ..alice() };
    let hash = hex(&<sha1::Sha1 as sha1::Digest>::digest([0x0b; 65]));
    let put = format!("00 01 00 00 23 {NAME} 73 16 21 08 {hash}");
    add(UNLOCKED, EMPTY, &long, &[(&put, EMPTY)]).unwrap();
}

/// Some tokens overwrite the credential, and some refuse the command.
#[test]
fn a_name_that_exists_is_never_written() {
    assert_eq!(add(UNLOCKED, ALICE, &alice(), &[]), Err(OathError::AlreadyExists));
    // "AWS:alice" begins with "AWS:al", and a YubiKey 4 before 4.3.5 then overwrites it.
    let old = UNLOCKED.replace("79 03 05 04 03", "79 03 04 03 04");
    for (account, is_taken) in [("al", true), ("alice@example.com", true), ("bob", false)] {
        let new = NewCredential { account: account.to_owned(), ..alice() };
        let name = format!("AWS:{account}");
        let put = format!(
            "00 01 00 00 {:02X} 71 {:02X} {} 73 16 21 08 {KEY_20}",
            name.len() + 26,
            name.len(),
            hex(name.as_bytes())
        );
        let written = [(put.as_str(), EMPTY)];
        let (result, is_free) = (add(&old, ALICE, &new, if is_taken { &[] } else { &written }), !is_taken);
        assert_eq!(result.is_ok(), is_free, "{account}: {result:?}");
        assert!(add(UNLOCKED, ALICE, &new, &written).is_ok(), "{account}");
    }
}

#[test]
fn refusals_of_put_are_told_apart() {
    let put = format!("00 01 00 00 23 {NAME} 73 16 21 08 {KEY_20}");
    for (answer, expected) in [
        ("6A 84", OathError::NoSpace),
        ("69 85", OathError::AlreadyExists),
        ("69 83", OathError::AlreadyExists),
        ("6A 80", OathError::Unsupported("it takes no credential of this kind")),
        ("69 82", OathError::Locked),
    ] {
        assert_eq!(add(UNLOCKED, EMPTY, &alice(), &[(&put, answer)]), Err(expected), "{answer}");
    }
}

#[test]
fn a_name_that_the_token_would_read_as_another_one_is_refused_before_anything_is_sent() {
    for new in [
        NewCredential { account: String::new(), ..alice() },
        NewCredential { account: "x".repeat(64), ..alice() },
        NewCredential { issuer: "a:b".to_owned(), ..alice() },
        NewCredential { issuer: "Steam".to_owned(), ..alice() },
        NewCredential { kind: Kind::Steam, ..alice() },
    ] {
        let mut card = Script::new(&[(SELECT, UNLOCKED)]);
        assert_eq!(select(&mut card).unwrap().add(&new, &NoProgress).unwrap_err(), OathError::UnusableName);
    }
}

fn with_alice(more: &[(&str, &str)], run: impl Fn(&mut Session<'_>, &Credential)) {
    let credential = Credential {
        name: CredentialId::new(b"AWS:alice").unwrap().parse(false),
        kind: Kind::Totp,
        algorithm: Algorithm::Sha1,
        digits: Digits::SIX,
        digits_known: false,
        touch: Touch::No,
        is_pin_protected: false,
    };
    let mut card = listed(UNLOCKED, ALICE, more);
    run(&mut select(&mut card).unwrap(), &credential);
    card.assert_finished();
}

#[test]
fn a_credential_is_deleted_if_it_is_listed() {
    let delete = format!("00 02 00 00 0B {NAME}");
    with_alice(&[(&delete, EMPTY)], |session, alice| session.remove(alice, &NoProgress).unwrap());
    with_alice(&[], |session, alice| {
        let mut bob = alice.clone();
        bob.name = CredentialId::new(b"AWS:bob").unwrap().parse(false);
        assert_eq!(session.remove(&bob, &NoProgress), Err(OathError::NoSuchCredential));
    });
}

#[test]
fn a_credential_is_renamed_to_a_free_name() {
    let rename = format!("00 05 00 00 14 {NAME} 71 07 41 57 53 3A 62 6F 62");
    with_alice(&[(&rename, EMPTY)], |session, alice| {
        assert_eq!(session.rename(alice, "AWS", "bob", &NoProgress).unwrap().bytes, b"AWS:bob");
    });
    with_alice(&[(&rename, "6D 00")], |session, alice| {
        let error = session.rename(alice, "AWS", "bob", &NoProgress).unwrap_err();
        assert!(matches!(error, OathError::Unsupported(_)), "{error:?}");
    });
    with_alice(&[], |session, alice| {
        assert_eq!(session.rename(alice, "AWS", "alice", &NoProgress), Err(OathError::AlreadyExists));
    });
}
