//! Complete exchanges byte by byte, with the keys of RFC 6238 and RFC 4226.

use super::*;

fn fixed(token: &str) -> Applet {
    let mut applet = applet(token);
    applet.oath.fix([1, 2, 3, 4, 5, 6, 7, 8], [0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88]);
    applet
}

#[test]
fn select_without_an_access_code() {
    let mut applet = fixed("");
    assert_eq!(ok(&mut applet, SELECT_OATH), hex("79 03 05 04 03  71 08 01 02 03 04 05 06 07 08"));
}

#[test]
fn an_access_code_is_set_required_validated_and_removed() {
    let mut applet = fixed("");
    let key = "49561F12FB17065DD680FC5A61D740A6";
    let mut derived = [0; 16];
    pbkdf2_hmac::<Sha1>(b"correct horse", &[1, 2, 3, 4, 5, 6, 7, 8], 1000, &mut derived);
    assert_eq!(derived[..], hex(key));

    ok(&mut applet, SELECT_OATH);
    let set_code = format!(
        "00 03 00 00 33 73 11 21 {key} 74 08 A0A1A2A3A4A5A6A7 75 14 7A64341DACCCCC3A813F22180BEA9DA8E3CFD971"
    );
    assert!(ok(&mut applet, &set_code).is_empty());
    let answer = ok(&mut applet, SELECT_OATH);
    let (known, rest) = answer.split_at(15);
    assert_eq!(known, hex("79 03 05 04 03  71 08 01 02 03 04 05 06 07 08"));
    assert_eq!((&rest[..2], &rest[10..]), (&[0x74, 0x08][..], &[0x7b, 0x01, 0x01][..]));
    assert_eq!(refused(&mut applet, "00 A1 00 00 00"), 0x6982);

    applet.oath.fix([1, 2, 3, 4, 5, 6, 7, 8], [0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88]);
    let validate = "00 A3 00 00 20 75 14 013356628BC89766D4AAE0B6F3681FD85DDC854D 74 08 A0A1A2A3A4A5A6A7";
    assert_eq!(ok(&mut applet, validate), hex("75 14 7A64341DACCCCC3A813F22180BEA9DA8E3CFD971"));
    ok(&mut applet, "00 A1 00 00 00");

    assert!(ok(&mut applet, "00 03 00 00 02 73 00").is_empty());
    assert_eq!(ok(&mut applet, SELECT_OATH).len(), 15);
}

#[test]
fn totp_of_each_algorithm() {
    let sha256 = "31323334353637383930313233343536373839303132333435363738393031 32";
    let sha512 = format!("{SHA1_KEY} {SHA1_KEY} {SHA1_KEY} 31323334");
    let vectors = [
        (format!("73 16 21 08 {SHA1_KEY}"), "00 01 00 00 23", "41397EEA", "94287082"),
        (format!("73 22 22 08 {sha256}"), "00 01 00 00 2F", "2C78E04E", "46119246"),
        (format!("73 42 23 08 {sha512}"), "00 01 00 00 4F", "1D3F6530", "90693936"),
    ];
    for (key, header, word, code) in vectors {
        let mut applet = oath("");
        let put = format!("{header} {ALICE} {key}");
        assert!(ok(&mut applet, &put).is_empty());
        let answer = ok(&mut applet, &format!("00 A2 00 01 15 {ALICE} 74 08 0000000000000001"));
        assert_eq!(answer, hex(&format!("76 05 08 {word}")));
        assert_eq!(decimal(&answer), code);
    }
}

#[test]
fn a_full_response_and_the_list() {
    let mut applet = oath("");
    ok(&mut applet, &put(&format!("73 16 21 08 {SHA1_KEY}")));
    assert_eq!(ok(&mut applet, "00 A1 00 00 00"), hex("72 0A 21 4157533A616C696365"));
    let answer = ok(&mut applet, &format!("00 A2 00 00 15 {ALICE} 74 08 0000000000000001"));
    assert_eq!(answer, hex("75 15 08 75A48A19D4CBE100644E8AC1397EEA747A2D33AB"));
}

#[test]
fn calculate_all_returns_each_kind() {
    let mut applet = oath("");
    ok(&mut applet, &put(&format!("73 16 21 08 {SHA1_KEY}")));
    ok(&mut applet, &with_data("00 01 00 00", &format!("71 06 546F75636879 73 16 21 06 {SHA1_KEY} 78 02")));
    ok(&mut applet, &with_data("00 01 00 00", &format!("71 03 437472 73 16 11 06 {SHA1_KEY}")));
    assert_eq!(
        ok(&mut applet, "00 A4 00 01 0A 74 08 0000000000000001"),
        hex("71 09 4157533A616C696365 76 05 08 41397EEA  71 06 546F75636879 7C 01 06  71 03 437472 77 01 06")
    );
    assert_eq!(applet.hotp_counter("Ctr"), Some(0), "no counter changes");
}

#[test]
fn hotp_starts_at_the_given_moving_factor() {
    let mut applet = oath("");
    let touched = format!("00 01 00 00 25 71 03 437472 73 16 11 06 {SHA1_KEY} 78 02 7A 04 00000005");
    ok(&mut applet, &touched);
    let pending = touch(&mut applet, "00 A2 00 01 07 71 03 437472 74 00");
    assert_eq!(applet.hotp_counter("Ctr"), Some(5), "not before the touch");
    let answer = applet.complete(&pending, Touch::Given);
    assert_eq!((decimal(&answer.data), answer.status), ("254676".to_owned(), Status::OK));

    ok(&mut applet, &with_data("00 01 00 00", &format!("71 03 437472 73 16 11 06 {SHA1_KEY}")));
    for (word, code) in [("4C93CF18", "755224"), ("41397EEA", "287082"), ("082FEF30", "359152")] {
        let answer = ok(&mut applet, "00 A2 00 01 07 71 03 437472 74 00");
        assert_eq!(answer, hex(&format!("76 05 06 {word}")));
        assert_eq!(decimal(&answer), code);
    }
    assert_eq!(applet.hotp_counter("Ctr"), Some(3));
}

#[test]
fn a_credential_of_60_seconds() {
    let mut applet = oath("");
    ok(&mut applet, &with_data("00 01 00 00", &format!("71 0A 36302F4157533A626F62 73 16 21 06 {SHA1_KEY}")));
    let answer = ok(&mut applet, "00 A2 00 01 16 71 0A 36302F4157533A626F62 74 08 0000000000000000");
    assert_eq!(answer, hex("76 05 06 4C93CF18"));
}

#[test]
fn delete_rename_and_reset() {
    let mut applet = oath("");
    let put = put(&format!("73 16 21 08 {SHA1_KEY}"));
    ok(&mut applet, &put);
    ok(&mut applet, "00 05 00 00 14 71 09 4157533A616C696365 71 07 4157533A626F62");
    assert_eq!(ok(&mut applet, "00 A1 00 00 00"), hex("72 08 21 4157533A626F62"));
    ok(&mut applet, &put);
    ok(&mut applet, "00 02 00 00 0B 71 09 4157533A616C696365");
    assert_eq!(ok(&mut applet, "00 A1 00 00 00"), hex("72 08 21 4157533A626F62"));
    let before = ok(&mut applet, SELECT_OATH);
    ok(&mut applet, "00 04 DE AD");
    assert!(ok(&mut applet, "00 A1 00 00 00").is_empty());
    assert_ne!(ok(&mut applet, SELECT_OATH), before, "a reset gives a new salt");
}

/// RFC 6238 appendix B, and ykneo-oath's unit test of both types. A short challenge is used without padding.
#[test]
fn more_vectors() {
    let mut applet = oath("");
    ok(&mut applet, &put(&format!("73 16 21 08 {SHA1_KEY}")));
    for (step, code) in
        [("00000000023523EC", "07081804"), ("000000000273EF07", "89005924"), ("0000000027BC86AA", "65353130")]
    {
        assert_eq!(decimal(&ok(&mut applet, &calculate(ALICE, &format!("74 08 {step}")))), code);
    }
    // "foo bar", padded to 14 bytes like a host does.
    let foo_bar = "666F6F20626172 00000000000000";
    ok(&mut applet, &put(&format!("73 10 21 06 {foo_bar}")));
    assert_eq!(ok(&mut applet, &calculate(ALICE, "74 08 0000000002BCADC8")), hex("76 05 06 3DC6BF3D"));
    assert_eq!(ok(&mut applet, &calculate(ALICE, "74 04 02BCADC8")), hex("76 05 06 58DFD384"));
    ok(&mut applet, &put(&format!("73 10 11 06 {foo_bar}")));
    assert_eq!(ok(&mut applet, &calculate(ALICE, "74 00")), hex("76 05 06 17FA2D40"));
}
