//! The PIN of a Nitrokey 3.

use super::*;

/// A credential without protection, one that the PIN protects, and a protected one that requires a touch.
const KEY: &str = "model = 'nitrokey-3'\npin = '123456'\ncredential = [
    { account = 'a', seed = 'me' },
    { account = 'p', pin = true, seed = 'me' },
    { account = 't', pin = true, touch = true, seed = 'me' },
]";

const VERIFY: &str = "00 B2 00 00 08 80 06 313233343536";
const WRONG: &str = "00 B2 00 00 08 80 06 313233343537";
const LIST: &str = "00 A1 00 00 01 01";
const PUBLIC: &str = "72 03 21 61 00";
const CALCULATE: &str = "00 A2 00 01 0D 71 01 70 74 08 0000000000000001";

/// The status word of a command that waits for a touch, when it is touched.
fn touched(applet: &mut Applet, command: &str) -> u16 {
    let pending = touch(applet, command);
    applet.complete(&pending, Touch::Given).status.0
}

fn attempts(applet: &mut Applet) -> u8 {
    let select = ok(applet, SELECT_OATH);
    assert_eq!(select[..7], hex("79 03 04 10 00 82 01"), "version and attempts, and no salt");
    assert_eq!(select[8..], hex("8F 04 00 BC 61 4E"));
    select[7]
}

#[test]
fn a_verified_pin_shows_the_protected_credentials_to_one_command() {
    let mut applet = oath(KEY);
    assert_eq!(ok(&mut applet, LIST), hex(PUBLIC));
    assert_eq!(refused(&mut applet, CALCULATE), 0x6a82);
    assert_eq!(touched(&mut applet, VERIFY), 0x9000);
    assert_eq!(ok(&mut applet, LIST), hex(&format!("{PUBLIC} 72 03 21 70 02 72 03 21 74 03")));
    assert_eq!(ok(&mut applet, LIST), hex(PUBLIC), "the list has used it up");
    assert_eq!(touched(&mut applet, VERIFY), 0x9000);
    assert_eq!(decimal(&ok(&mut applet, CALCULATE)).len(), 6);
    assert_eq!(refused(&mut applet, CALCULATE), 0x6a82);
    assert_eq!(touched(&mut applet, VERIFY), 0x9000);
    ok(&mut applet, SELECT_OATH);
    assert_eq!(refused(&mut applet, CALCULATE), 0x6a82, "SELECT has dropped it");
    assert_eq!(touched(&mut applet, VERIFY), 0x9000);
    assert_eq!(touched(&mut applet, &CALCULATE.replace("70 74", "74 74")), 0x9000, "a touch for each");
}

#[test]
fn the_authorisation_is_that_of_the_next_command_on_either_interface() {
    let mut applet = oath(KEY);
    let Outcome::Touch(pending) = applet.respond_to_message(&hex(VERIFY)) else { panic!("no touch") };
    assert_eq!(applet.complete(&pending, Touch::Given).status, Status::OK);
    assert_eq!(decimal(&ok(&mut applet, CALCULATE)).len(), 6);
    assert_eq!(touched(&mut applet, VERIFY), 0x9000);
    applet.reset();
    ok(&mut applet, SELECT_OATH);
    assert_eq!(refused(&mut applet, CALCULATE), 0x6a82, "power off has dropped it");
}

#[test]
fn a_wrong_pin_costs_an_attempt_and_the_eighth_blocks_it() {
    let mut applet = oath(KEY);
    assert_eq!(attempts(&mut applet), 8);
    assert_eq!(touched(&mut applet, WRONG), 0x6300);
    assert_eq!(attempts(&mut applet), 7);
    let untouched = touch(&mut applet, WRONG);
    assert_eq!(applet.complete(&untouched, Touch::Missed).status.0, 0x6982);
    assert_eq!(attempts(&mut applet), 7, "an untouched attempt costs none");
    assert_eq!(touched(&mut applet, VERIFY), 0x9000);
    assert_eq!(attempts(&mut applet), 8);
    for left in (0..8).rev() {
        assert_eq!(touched(&mut applet, WRONG), 0x6300);
        assert_eq!(attempts(&mut applet), left);
    }
    assert_eq!(touched(&mut applet, VERIFY), 0x6300, "the PIN is blocked");
    assert_eq!(attempts(&mut applet), 0);
}

#[test]
fn a_protected_credential_is_put_and_deleted_with_the_pin_only() {
    let mut applet = oath(KEY);
    let put = with_data("00 01 00 00", &format!("71 01 6E 73 16 21 06 {SHA1_KEY} 78 04"));
    assert_eq!(refused(&mut applet, &put), 0x6982);
    assert_eq!(touched(&mut applet, VERIFY), 0x9000);
    ok(&mut applet, &put);
    let delete = "00 02 00 00 03 71 01 6E";
    assert_eq!(refused(&mut applet, delete), 0x6a82);
    assert_eq!(touched(&mut applet, VERIFY), 0x9000);
    ok(&mut applet, delete);
}

#[test]
fn a_yubikey_has_no_pin() {
    assert_eq!(refused(&mut oath(""), VERIFY), 0x6d00);
}
