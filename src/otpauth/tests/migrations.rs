use data_encoding::BASE64;

use super::super::migration::{read, split};
use super::super::{Error, parse};
use crate::oath::{Algorithm, Kind};

/// A field with bytes, shorter than 128 bytes.
fn bytes(number: u8, value: &[u8]) -> Vec<u8> {
    [&[number << 3 | 2, u8::try_from(value.len()).unwrap()], value].concat()
}

/// An account with a name, an issuer and further fields.
fn account(name: &str, issuer: &str, more: &[u8]) -> Vec<u8> {
    let fields =
        [bytes(1, &[0xfb, 0xff]), bytes(2, name.as_bytes()), bytes(3, issuer.as_bytes()), more.to_vec()];
    bytes(1, &fields.concat())
}

fn uri(message: &[u8]) -> String {
    let data = BASE64.encode(message).replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    format!("otpauth-migration://offline?data={data}")
}

#[test]
fn the_accounts_of_a_payload_are_split() {
    let hotp = [0x20, 2, 0x28, 2, 0x30, 1, 0x38, 0xac, 2];
    // version 1, batch 1 of 3 with a negative id
    let batch = [0x10, 1, 0x18, 3, 0x20, 1, 0x28, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];
    let message =
        [account("Shop:al", "Shop", &[0x20, 1, 0x28, 1, 0x30, 2]), account("bo", "", &hotp), batch.to_vec()];
    let payload = read(&uri(&message.concat())).unwrap();
    assert_eq!((payload.batch_index, payload.batch_size), (1, 3));
    let [shop, bo] = payload.credentials.as_slice() else { panic!("two accounts") };
    assert_eq!((shop.issuer.as_deref(), shop.account.as_str(), shop.kind), (Some("Shop"), "al", Kind::Totp));
    assert_eq!(shop.secret.expose(), [0xfb, 0xff]);
    assert_eq!((bo.issuer.as_deref(), bo.account.as_str(), bo.kind), (None, "bo", Kind::Hotp));
    assert_eq!((bo.algorithm, bo.digits.get(), bo.counter), (Algorithm::Sha256, 8, 300));
    assert_eq!(parse(&uri(&message.concat())), Err(Error::SeveralAccounts));
}

#[test]
fn base64_is_read_in_each_notation() {
    let message = account(">>>?al", "~~~", &[]);
    let plain = BASE64.encode(&message);
    assert!(plain.contains('+') && plain.contains('='), "{plain}");
    let expected = split(&uri(&message)).unwrap();
    let url_safe = plain.replace('+', "-").replace('/', "_");
    for data in
        [plain.clone(), plain.replace('+', " "), plain.replace('+', "%20"), url_safe, plain.replace('=', "")]
    {
        assert_eq!(
            split(&format!("OTPAUTH-MIGRATION://offline?data={data}")).as_ref(),
            Ok(&expected),
            "{data}"
        );
    }
    assert_eq!(parse(&uri(&message)).as_ref(), Ok(&expected[0]));
}

#[test]
fn the_name_of_an_account_keeps_a_prefix_that_is_not_its_issuer() {
    for (name, issuer, expected) in [
        ("shop:al", "Shop", (Some("Shop"), "al")),
        ("Shop: al", "", (Some("Shop"), "al")),
        ("Other:al", "Shop", (Some("Shop"), "Other:al")),
    ] {
        let credential = parse(&uri(&account(name, issuer, &[]))).unwrap();
        assert_eq!((credential.issuer.as_deref(), credential.account.as_str()), expected);
    }
}

#[test]
fn what_no_account_has_is_refused() {
    for (more, error) in [
        (&[0x20, 4][..], Error::UnsupportedAlgorithm),
        (&[0x28, 3], Error::UnsupportedDigits),
        (&[0x30, 3], Error::UnknownType),
        (
            &[0x30, 1, 0x38, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
            Error::UnsupportedCounter,
        ),
        (&[0x38, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2], Error::DamagedMigration),
        (&[0x0a, 0], Error::EmptySecret),
        (&[0x0a, 9, 1], Error::DamagedMigration),
        (&[0x0b], Error::DamagedMigration),
    ] {
        assert_eq!(split(&uri(&account("al", "", more))), Err(error), "{more:x?}");
    }
    assert_eq!(split("otpauth-migration://offline?data=A"), Err(Error::DamagedMigration));
    assert_eq!(split("otpauth-migration://offline"), Err(Error::EmptyMigration));
    assert_eq!(split(&uri(&[0x10, 1])), Err(Error::EmptyMigration));
    assert_eq!(split("otpauth://totp/a"), Err(Error::NotOtpauth));
}
