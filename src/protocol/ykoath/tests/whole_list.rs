//! A list is whole or it is an error.

use super::{CALCULATE_ALL, LIST, SELECT, Script, UNLOCKED, select};
use crate::oath::{Credential, Error, Kind, Touch};

const LIST_PROPERTIES: &str = "00 A1 00 00 01 01";
const NITROKEY: &str = "79 03 04 10 00 71 08 0102030405060708 8F 04 01 02 03 04 90 00";

fn listed(steps: &[(&str, &str)]) -> Result<Vec<Credential>, Error> {
    let mut script = Script::new(steps);
    let credentials = select(&mut script)?.credentials();
    script.assert_finished();
    credentials
}

#[test]
fn more_credentials_than_any_token_has_are_an_error() {
    for (count, expected) in [(314, Ok(314)), (1_024, Ok(1_024)), (1_025, Err(Error::ListIncomplete))] {
        let list: String = (0..count).map(|n| format!("72 03 21 {n:04X}")).collect();
        let answer = format!("{list} 90 00");
        let result = listed(&[(SELECT, UNLOCKED), (CALCULATE_ALL, "6D00"), (LIST, &answer)]);
        assert_eq!(result.map(|credentials| credentials.len()), expected);
    }
}

#[test]
fn a_list_of_many_short_frames_is_whole() {
    let frame = |n: usize| format!("72 40 21 {n:04X} {}", "61".repeat(61));
    let frames: Vec<String> = (0..314).map(|n| format!("{} 61 FF", frame(n))).collect();
    let last = format!("{} 90 00", frame(314));
    for (count, expected) in [(299, Some(300)), (300, None)] {
        let mut steps = vec![(SELECT, UNLOCKED), (CALCULATE_ALL, "6D00"), (LIST, frames[0].as_str())];
        steps.extend(frames[1..count].iter().map(|frame| ("00 A5 00 00", frame.as_str())));
        steps.push(("00 A5 00 00", if expected.is_some() { &last } else { &frames[count] }));
        assert_eq!(listed(&steps).ok().map(|credentials| credentials.len()), expected);
    }
}

/// A Nitrokey 3 over CCID loses the first page of a response of more than 3,072 bytes.
#[test]
fn a_nitrokey_that_loses_the_first_page_lists_without_properties() {
    let credentials = listed(&[
        (SELECT, NITROKEY),
        (CALCULATE_ALL, "6D00"),
        (LIST_PROPERTIES, "61 FF"),
        (SELECT, NITROKEY),
        (LIST, "72 02 21 61 72 02 11 62 90 00"),
    ])
    .unwrap();
    let seen: Vec<_> = credentials.iter().map(|credential| (credential.kind, credential.touch)).collect();
    assert_eq!(seen, [(Kind::Totp, Touch::Unknown), (Kind::Hotp, Touch::Unknown)]);
}

#[test]
fn a_list_whose_first_page_is_lost_in_every_form_is_an_error() {
    let lost = listed(&[
        (SELECT, NITROKEY),
        (CALCULATE_ALL, "6D00"),
        (LIST_PROPERTIES, "61 FF"),
        (SELECT, NITROKEY),
        (LIST, "61 FF"),
    ]);
    assert_eq!(lost, Err(Error::ListIncomplete));
    // The response of CALCULATE ALL is longer, so its first page is lost as well.
    let both = listed(&[(SELECT, UNLOCKED), (CALCULATE_ALL, "61 FF"), (SELECT, UNLOCKED), (LIST, "61 FF")]);
    assert_eq!(both, Err(Error::ListIncomplete));
}

/// A pico-fido has a buffer of 4 KB for each response.
#[test]
fn a_list_that_is_longer_than_the_buffer_of_the_token_is_an_error() {
    let result = listed(&[(SELECT, UNLOCKED), (CALCULATE_ALL, "6700"), (LIST, "6700")]);
    assert_eq!(result, Err(Error::ListIncomplete));
}

#[test]
fn calculate_all_replaces_a_list_that_the_token_cannot_send() {
    let all = "71 01 61 76 05 08 41397EEA 71 01 62 7C 01 06 71 01 63 77 01 07 90 00";
    for refusal in ["6700", "61 FF"] {
        let steps = [(SELECT, UNLOCKED), (CALCULATE_ALL, all), (LIST, refusal)];
        let seen: Vec<_> = listed(&steps)
            .unwrap()
            .into_iter()
            .map(|c| (c.name.account, c.kind, c.digits.get(), c.touch))
            .collect();
        let of = |account: &str, kind, digits, touch| (account.to_owned(), kind, digits, touch);
        assert_eq!(
            seen,
            [
                of("a", Kind::Totp, 8, Touch::No),
                of("b", Kind::Totp, 6, Touch::Yes),
                of("c", Kind::Hotp, 7, Touch::Unknown)
            ]
        );
    }
    // The mark without digits may be that of a counter, or of what is no credential.
    let unknown = "71 01 61 76 05 08 41397EEA 71 01 62 77 00 90 00";
    let result = listed(&[(SELECT, UNLOCKED), (CALCULATE_ALL, unknown), (LIST, "6700")]);
    assert_eq!(result, Err(Error::ListIncomplete));
}
