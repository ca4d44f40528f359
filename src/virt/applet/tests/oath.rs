//! Refusals, paging, locking and waiting for a touch of the OATH application.

use super::*;

fn name(text: &str) -> String {
    format!("71 {:02X} {}", text.len(), HEXUPPER_PERMISSIVE.encode(text.as_bytes()))
}

/// SELECT, and VALIDATE with this key.
fn unlock(applet: &mut Applet, key: &[u8]) -> Response {
    let select = ok(applet, SELECT_OATH);
    let proof = Algorithm::Sha1.hmac(key, &select[17..25]);
    let data = format!("75 14 {} 74 08 A0A1A2A3A4A5A6A7", HEXUPPER_PERMISSIVE.encode(&proof));
    send(applet, &with_data("00 A3 00 00", &data))
}

fn key(applet: &mut Applet, password: &str) -> [u8; 16] {
    let select = ok(applet, SELECT_OATH);
    let mut key = [0; 16];
    pbkdf2_hmac::<Sha1>(password.as_bytes(), &select[7..15], 1000, &mut key);
    key
}

#[test]
fn a_locked_token_allows_only_validate_and_reset() {
    let mut applet = applet("password = 'correct horse'\n[[token.credential]]\naccount = 'a'\nseed = 'me'");
    let key = key(&mut applet, "correct horse");
    for command in ["00 A1 00 00 00", "00 A4 00 01 0A 74 08 0000000000000001", "00 05 00 00", "00 77 00 00"] {
        assert_eq!(refused(&mut applet, command), 0x6982, "{command}");
    }
    assert_eq!(unlock(&mut applet, &[0; 16]).status, Status(0x6a80));
    assert_eq!(refused(&mut applet, "00 A1 00 00 00"), 0x6982);

    let answer = unlock(&mut applet, &key);
    let proof = Algorithm::Sha1.hmac(&key, &hex("A0A1A2A3A4A5A6A7"));
    assert_eq!((&answer.data[..2], &answer.data[2..]), (&[0x75, 0x14][..], &proof[..]));
    assert_eq!(ok(&mut applet, "00 A1 00 00 00").len(), 4);

    ok(&mut applet, "00 A4 04 00 05 A0 00 00 03 08");
    ok(&mut applet, SELECT_OATH);
    assert_eq!(refused(&mut applet, "00 A1 00 00 00"), 0x6982, "selecting another application locks it");
    ok(&mut applet, "00 04 DE AD");
    assert_eq!(ok(&mut applet, SELECT_OATH).len(), 15);
    assert!(ok(&mut applet, "00 A1 00 00 00").is_empty());
}

#[test]
fn every_select_has_a_new_challenge() {
    let mut applet = applet("password = 'x'");
    let key = key(&mut applet, "x");
    assert_ne!(ok(&mut applet, SELECT_OATH), ok(&mut applet, SELECT_OATH));
    let select = ok(&mut applet, SELECT_OATH);
    let proof = HEXUPPER_PERMISSIVE.encode(&Algorithm::Sha1.hmac(&key, &select[17..25]));
    let replay = with_data("00 A3 00 00", &format!("75 14 {proof} 74 08 A0A1A2A3A4A5A6A7"));
    ok(&mut applet, SELECT_OATH);
    assert_eq!(refused(&mut applet, &replay), 0x6a80);
}

#[test]
fn validate_and_set_code_check_their_data() {
    let mut applet = oath("");
    let validate = "00 A3 00 00 20 75 14 013356628BC89766D4AAE0B6F3681FD85DDC854D 74 08 A0A1A2A3A4A5A6A7";
    assert_eq!(refused(&mut applet, validate), 0x6984, "no access code is set");
    let wrong_proof = format!("73 11 21 {} 74 08 A0A1A2A3A4A5A6A7 75 14 {SHA1_KEY}", "00".repeat(16));
    assert_eq!(refused(&mut applet, &with_data("00 03 00 00", &wrong_proof)), 0x6984);
    for data in
        ["73 01 21", "73 11 22 000102030405060708090A0B0C0D0E0F", "73 02 21 00 74 00", "74 00", "73 00 00"]
    {
        assert_eq!(refused(&mut applet, &with_data("00 03 00 00", data)), 0x6a80, "{data}");
    }
    assert_eq!(ok(&mut applet, SELECT_OATH).len(), 15, "still without an access code");
}

#[test]
fn put_refuses_invalid_credentials() {
    let mut applet = oath("");
    for key in [
        "73 16 21 05 3132333435363738393031323334353637383930",
        "73 16 21 09 3132333435363738393031323334353637383930",
        "73 16 24 06 3132333435363738393031323334353637383930",
        "73 16 31 06 3132333435363738393031323334353637383930",
        "73 0F 21 06 31323334353637383930313233",
        "73 16 21 06 3132333435363738393031323334353637383930 7A 02 0001",
        "73 16 21 06 3132333435363738393031323334353637383930 00",
        "73 02 21 06",
        "",
    ] {
        assert_eq!(refused(&mut applet, &put(key)), 0x6a80, "{key}");
    }
    let long = format!("{} 73 10 21 06 {}", name(&"x".repeat(65)), "00".repeat(14));
    assert_eq!(refused(&mut applet, &with_data("00 01 00 00", &long)), 0x6a80);
    let long_key = format!("73 43 21 06 {}", "00".repeat(65));
    assert_eq!(refused(&mut applet, &put(&long_key)), 0x6a80);
    assert_eq!(ok(&mut applet, &put(&format!("73 43 23 06 {}", "00".repeat(65)))), [0_u8; 0]);
}

#[test]
fn a_full_token_still_overwrites() {
    let mut applet = oath("");
    let put = |n: usize, digits: u8| {
        let data = format!("{} 73 10 21 {digits:02X} {}", name(&format!("{n:02}")), "00".repeat(14));
        with_data("00 01 00 00", &data)
    };
    for n in 0..32 {
        ok(&mut applet, &put(n, 6));
    }
    assert_eq!(refused(&mut applet, &put(32, 6)), 0x6a84);
    ok(&mut applet, &put(31, 8));
    let answer = ok(&mut applet, &calculate(&name("31"), "74 08 0000000000000001"));
    assert_eq!(answer[2], 8);
}

#[test]
fn a_missing_credential_is_6984() {
    let mut applet = oath("[[token.credential]]\naccount = 'a'\nseed = 'me'");
    assert_eq!(refused(&mut applet, &calculate(ALICE, "74 08 0000000000000001")), 0x6984);
    assert_eq!(refused(&mut applet, &with_data("00 02 00 00", ALICE)), 0x6984);
    assert_eq!(refused(&mut applet, &with_data("00 05 00 00", &format!("{ALICE} 71 01 62"))), 0x6984);
    assert_eq!(refused(&mut applet, &with_data("00 05 00 00", "71 01 61 71 01 61")), 0x6984, "taken");
}

#[test]
fn an_unfit_challenge_is_6a80() {
    let mut applet = oath("[[token.credential]]\naccount = 'a'\nseed = 'me'");
    let long = format!("74 41 {}", "00".repeat(65));
    for challenge in ["74 00", "", "75 01 00", "74 02 00", &long] {
        assert_eq!(refused(&mut applet, &calculate("71 01 61", challenge)), 0x6a80, "{challenge}");
    }
}

#[test]
fn an_increasing_challenge_must_increase() {
    let mut applet = oath("");
    ok(&mut applet, &put(&format!("73 16 21 08 {SHA1_KEY} 78 01")));
    ok(&mut applet, &calculate(ALICE, "74 08 00000000000000FF"));
    ok(&mut applet, &calculate(ALICE, "74 02 0100"));
    ok(&mut applet, &calculate(ALICE, "74 08 0000000000000100"));
    assert_eq!(refused(&mut applet, &calculate(ALICE, "74 08 00000000000000FF")), 0x6982);
}

#[test]
fn parameters_and_instructions_are_checked() {
    let mut applet = oath("");
    for command in
        ["00 A1 01 00 00", "00 01 00 01", "00 04 00 00", "00 A2 00 02", "00 A4 01 00", "00 A3 01 00"]
    {
        assert_eq!(refused(&mut applet, command), 0x6b00, "{command}");
    }
    assert_eq!(refused(&mut applet, "00 77 00 00"), 0x6d00);
    assert_eq!(refused(&mut applet, "80 A1 00 00 00"), 0x6e00);
    assert_eq!(refused(&mut applet, "00 A1 00"), 0x6700);
    let mut old = oath("firmware = '5.2.7'");
    assert_eq!(refused(&mut old, "00 05 00 00 06 71 01 61 71 01 62"), 0x6d00);
}

#[test]
fn a_long_response_is_paged() {
    let credentials: String = (0..20)
        .map(|n| format!("[[token.credential]]\naccount = 'account number {n:02}'\nseed = 'me'\n"))
        .collect();
    let mut applet = oath(&credentials);
    let first = send(&mut applet, "00 A1 00 00 00");
    assert_eq!((first.data.len(), first.status), (254, Status(0x6180 | (20 * 20 - 254 - 128))));
    let second = send(&mut applet, "00 A5 00 00 00");
    assert_eq!((second.data.len(), second.status), (20 * 20 - 254, Status::OK));
    assert!(ok(&mut applet, "00 A5 00 00 00").is_empty());

    let whole = [first.data.as_slice(), second.data.as_slice()].concat();
    let mut small = Vec::new();
    let mut page = send(&mut applet, "00 A1 00 00 07");
    while page.status.more_data() {
        assert_eq!(page.data.len(), 7);
        small.extend_from_slice(&page.data);
        page = send(&mut applet, "00 A5 00 00 07");
    }
    small.extend_from_slice(&page.data);
    assert_eq!(small, whole);

    send(&mut applet, "00 A1 00 00 00");
    ok(&mut applet, SELECT_OATH);
    assert!(ok(&mut applet, "00 A5 00 00 00").is_empty(), "another command drops the rest");
    assert_eq!(send(&mut applet, "00 A4 00 00 0A 74 08 0000000000000001").status, Status(0x61ff));
}

#[test]
fn a_touch_credential_waits_and_times_out() {
    let mut applet = oath(
        "[[token.credential]]\naccount = 'a'\nseed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'\ntouch = true\ndigits = 8",
    );
    let command = calculate("71 01 61", "74 08 0000000000000001");
    let missed = touch(&mut applet, &command);
    let answer = applet.complete(&missed, Touch::Missed);
    assert_eq!((answer.data.len(), answer.status), (0, Status(0x6982)));
    let given = touch(&mut applet, &command);
    assert_eq!(decimal(&applet.complete(&given, Touch::Given).data), "94287082");
    assert_eq!(format!("{given:?}"), "Pending(..)");
}

#[test]
fn a_token_has_the_same_salt_in_every_run() {
    assert_eq!(ok(&mut applet(""), SELECT_OATH), ok(&mut applet(""), SELECT_OATH));
}
