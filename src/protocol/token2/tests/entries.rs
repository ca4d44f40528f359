//! Lists and their entries.

use super::super::entry::{Codes, Page};
use super::*;
use crate::oath::{Algorithm, Credential, Kind, Touch};
use crate::otp::Digits;

/// The entries of a page, their codes, and whether another page follows.
type Parsed = (Vec<Credential>, Vec<Option<String>>, bool);

fn parse(hex: &str, codes: Codes) -> Result<Parsed, Error> {
    let page = Page::parse(&bytes(hex), codes)?;
    let code = |code: &crate::otp::Code| code.expose().to_owned();
    let codes = page.entries.iter().map(|entry| entry.code.as_ref().map(code)).collect();
    Ok((page.entries.into_iter().map(|entry| entry.credential).collect(), codes, page.has_more))
}

#[test]
fn a_page_has_entries_with_and_without_codes() {
    let page = format!("{ALICE} {BOB} {CAROL}").replacen("01", "81", 1);
    let (entries, codes, has_more) = parse(&page, Codes::Free).unwrap();
    assert!(has_more);
    assert_eq!(codes, [Some("94287082".to_owned()), None, None]);
    let facts: Vec<_> = entries
        .iter()
        .map(|entry| {
            let name = (entry.name.issuer.as_str(), entry.name.account.as_str(), entry.name.period.seconds());
            (name, entry.kind, entry.algorithm, entry.digits, entry.touch)
        })
        .collect();
    let six = Digits::SIX;
    assert_eq!(
        facts,
        [
            (("AWS", "alice", 30), Kind::Totp, Algorithm::Sha1, Digits::EIGHT, Touch::No),
            (("", "bob", 60), Kind::Totp, Algorithm::Sha256, six, Touch::Yes),
            (("", "carol", 30), Kind::Hotp, Algorithm::Sha1, six, Touch::No),
        ]
    );
    assert_eq!(entries[0].name.bytes, bytes("03415753 05616C696365"));
    assert!(entries.iter().all(|entry| entry.digits_known && !entry.is_pin_protected));
}

#[test]
fn one_entry_has_its_code_always() {
    let (entries, codes, has_more) = parse(&format!("{CAROL} 06373535323234"), Codes::All).unwrap();
    assert_eq!((entries.len(), codes, has_more), (1, vec![Some("755224".to_owned())], false));
}

#[test]
fn an_incomplete_list_is_an_error() {
    let whole = bytes(ALICE);
    for length in 1..whole.len() {
        let error = parse(&hex(&whole[..length]), Codes::Free).unwrap_err();
        assert!(matches!(error, Error::Malformed(_)), "{length}: {error:?}");
    }
    for (from, to) in [
        ("01C1", "02C1"),
        ("01C1", "01C3"),
        ("001E08", "001E03"),
        ("001E08", "001E0B"),
        ("001E08", "000008"),
        // A code with another number of digits than its entry, and one that is no number.
        ("083934", "0739"),
        ("083934", "083A34"),
    ] {
        let error = parse(&ALICE.replacen(from, to, 1), Codes::Free).unwrap_err();
        assert!(matches!(error, Error::Malformed(_)), "{from} {to}: {error:?}");
    }
    // Only the first entry of a page has the bit for another page.
    assert!(parse(&format!("{ALICE} {}", ALICE.replacen("01", "81", 1)), Codes::Free).is_err());
}

#[test]
fn misleading_characters_in_names_are_escaped() {
    let (entries, ..) = parse("01C1001E0601 02 1B41 02 FF42", Codes::Free).unwrap();
    assert_eq!(
        (entries[0].name.issuer.as_str(), entries[0].name.account.as_str()),
        ("\\u{1b}A", "\u{fffd}B")
    );
    assert_eq!(entries[0].name.bytes, bytes("021B41 02FF42"));
}

#[test]
fn an_empty_page_has_no_entries() {
    assert_eq!(parse("", Codes::Free).unwrap(), (Vec::new(), Vec::new(), false));
}
