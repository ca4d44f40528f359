use super::super::{Error, parse, seed, to_uri};
use super::{SECRET, parsed};
use crate::oath::{Algorithm, Kind};

/// Issuer and account of a label and of a parameter `issuer`.
fn names(label: &str, parameter: &str) -> Result<(Option<String>, String), Error> {
    parse(&format!("otpauth://totp/{label}?secret={SECRET}&issuer={parameter}"))
        .map(|credential| (credential.issuer, credential.account))
}

#[test]
fn a_plus_is_read_so_that_label_and_parameter_agree() {
    for (label, parameter, issuer, account) in [
        ("Big%20Shop:al", "Big+Shop", "Big Shop", "al"),
        ("Big+Shop:al", "Big%20Shop", "Big Shop", "al"),
        ("Big+Shop:al+b", "Big%20Shop", "Big Shop", "al b"),
        ("Big+Shop:al+b", "Big+Shop", "Big Shop", "al+b"),
        ("A%2BB:al", "A+B", "A+B", "al"),
        ("A+B:al", "A%2BB", "A+B", "al"),
        ("al+aws@example.com", "Shop", "Shop", "al+aws@example.com"),
        ("Shop:al+aws@example.com", "Shop", "Shop", "al+aws@example.com"),
        ("Shop%3A%20al", "", "Shop", "al"),
        ("shop:al", "Shop", "Shop", "al"),
        (":al", "Shop", "Shop", "al"),
        ("60/Shop:al", "60/Shop", "60/Shop", "al"),
        ("60%2FShop:al", "", "60/Shop", "al"),
        ("Shop:a:b", "Shop", "Shop", "a:b"),
    ] {
        assert_eq!(names(label, parameter), Ok((Some(issuer.to_owned()), account.to_owned())), "{label}");
    }
    assert_eq!(names("al", ""), Ok((None, "al".to_owned())));
    assert_eq!(names("One:al", "Other"), Err(Error::IssuerMismatch));
    assert_eq!(names("al", "A%3AB"), Err(Error::ColonInIssuer));
    assert_eq!(names("%3A%3Aal", ""), Err(Error::ColonInAccount));
    assert_eq!(names("Shop:", "Shop"), Err(Error::NoAccount));
    assert_eq!(names("al%00", ""), Err(Error::ControlCharacter));
    assert_eq!(names("al%FF", ""), Err(Error::NotUtf8));
}

#[test]
fn a_seed_is_read_in_each_notation() {
    let bytes = b"Hello!\xde\xad\xbe\xef";
    let notations =
        ["jbswy3dpehpk3pxp", " JBSW Y3DP EHPK 3PXP\n", "jbsw-y3dp-ehpk-3pxp", "JBSWY3DPEHPK3PXP======"];
    for text in notations {
        assert_eq!(seed(text).unwrap().expose(), bytes, "{text}");
        let escaped = text.trim().replace(' ', "+").replace('=', "%3D");
        assert_eq!(parsed(&format!("otpauth://totp/a?secret={escaped}")).secret.expose(), bytes, "{text}");
    }
    // 52 letters are 260 bits; the last four bits do not belong to the seed.
    let (zero, set) = ("A".repeat(52), format!("{}B", "A".repeat(51)));
    assert_eq!(seed(&zero).unwrap().expose(), [0; 32]);
    assert_eq!(seed(&set).unwrap().expose(), [0; 32]);
    for wrong in ["JBSWY3D0", "JBSWY3D1", "JBSWY3D8", "A", "AAA", "AAAAAA", "AA=A", "ÄA"] {
        assert_eq!(seed(wrong), Err(Error::NotBase32), "{wrong}");
    }
    for empty in ["", " ", "=="] {
        assert_eq!(seed(empty), Err(Error::EmptySecret), "{empty:?}");
    }
}

#[test]
fn parameters_have_defaults_and_notations() {
    let of = |kind: &str, rest: &str| parse(&format!("otpauth://{kind}/a?secret={SECRET}{rest}"));
    let credential = of("totp", "&image=x&digits=").unwrap();
    assert_eq!((credential.algorithm, credential.digits.get()), (Algorithm::Sha1, 6));
    assert_eq!((credential.period.seconds(), credential.counter), (30, 0));
    for name in ["sha256", "SHA-256", "HmacSHA256"] {
        assert_eq!(of("TOTP", &format!("&Algorithm={name}")).unwrap().algorithm, Algorithm::Sha256, "{name}");
    }
    assert_eq!(of("hotp", "").unwrap().counter, 0);
    assert_eq!(of("hotp", "&counter=18446744073709551615&period=x").unwrap().counter, u64::MAX);
    assert_eq!(of("totp", "&digits=8&period=60").unwrap().period.seconds(), 60);
    for (rest, error) in [
        ("&algorithm=MD5", Error::UnsupportedAlgorithm),
        ("&digits=9", Error::UnsupportedDigits),
        ("&digits=+6", Error::UnsupportedDigits),
        ("&period=0", Error::UnsupportedPeriod),
        ("&period=4294967296", Error::UnsupportedPeriod),
        ("&secret=AA", Error::Repeated("secret")),
    ] {
        assert_eq!(of("totp", rest), Err(error), "{rest}");
    }
    assert_eq!(of("hotp", "&counter=-1"), Err(Error::UnsupportedCounter));
    assert_eq!(of("push", ""), Err(Error::UnknownType));
    assert_eq!(parse("otpauth://totp/a?issuer=b"), Err(Error::NoSecret));
    assert_eq!(parse("https://example.com"), Err(Error::NotOtpauth));
}

#[test]
fn steam_is_known_by_type_issuer_or_encoder() {
    for rest in ["steam/a?", "steam/Steam:a?digits=5&", "totp/steam:a?", "totp/a?encoder=steam&digits=5&"] {
        let credential = parsed(&format!("otpauth://{rest}secret={SECRET}"));
        assert_eq!((credential.kind, credential.issuer.as_deref()), (Kind::Steam, Some("Steam")), "{rest}");
        assert_eq!(credential.digits.get(), 6, "{rest}");
    }
    let other = parse(&format!("otpauth://steam/Shop:a?secret={SECRET}"));
    assert_eq!(other, Err(Error::SteamIssuer));
}

#[test]
fn a_written_uri_is_read_as_the_same_credential() {
    for uri in [
        "totp/60%2FBig%20Shop%26:al%2Bb%25?algorithm=SHA512&digits=8&period=60&",
        "hotp/a%20b?counter=7&",
        "steam/a?",
    ] {
        let credential = parsed(&format!("otpauth://{uri}secret={SECRET}"));
        let written = to_uri(&credential);
        assert_eq!(parsed(&written), credential);
        assert!(!written.contains('+'), "{uri}");
    }
}

#[test]
fn debug_output_and_errors_show_no_secret_and_no_name() {
    let shown = format!("{:?}", parsed(&format!("otpauth://totp/Shop:alice?secret={SECRET}")));
    assert!(!shown.contains("alice") && !shown.contains("Shop") && !shown.contains("72"), "{shown}");
}
