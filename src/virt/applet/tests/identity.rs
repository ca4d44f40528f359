//! Tests of the identity commands.

use super::*;

#[test]
fn nothing_is_selected_at_first_and_after_a_reset() {
    let mut applet = applet("");
    assert_eq!(refused(&mut applet, "00 A1 00 00 00"), 0x6d00);
    ok(&mut applet, SELECT_OATH);
    ok(&mut applet, "00 A1 00 00 00");
    applet.reset();
    assert_eq!(refused(&mut applet, "00 A1 00 00 00"), 0x6d00);
}

#[test]
fn an_unknown_application_does_not_change_the_selection() {
    let mut applet = oath("");
    for select in ["00 A4 04 00 07 D2 76 00 00 85 01 01", "00 A4 04 00", "00 A4 04 00 04 A0 00 00 05"] {
        assert_eq!(refused(&mut applet, select), 0x6a82, "{select}");
    }
    ok(&mut applet, "00 A1 00 00 00");
}

#[test]
fn every_application_returns_the_same_serial_and_version() {
    let mut applet = applet("firmware = '5.2.7'");
    let serial = 12_345_678_u32.to_be_bytes();
    assert_eq!(ok(&mut applet, "00 A4 04 00 08 A0 00 00 05 27 47 11 17"), b"Virtual mgr - FW version 5.2.7");
    let page = ok(&mut applet, "00 1D 00 00 00");
    assert!(page.windows(4).any(|window| window == serial));
    // The `yubikey` crate uses the 8-byte name, yubikey-manager the 7-byte name.
    for select in ["00 A4 04 00 08 A0 00 00 05 27 20 01 01", "00 A4 04 00 07 A0 00 00 05 27 20 01"] {
        assert_eq!(ok(&mut applet, select)[..3], [5, 2, 7]);
        assert_eq!(ok(&mut applet, "00 01 10 00 00"), serial);
    }
    ok(&mut applet, "00 A4 04 00 05 A0 00 00 03 08");
    assert_eq!(ok(&mut applet, "00 FD 00 00 00"), [5, 2, 7]);
    assert_eq!(ok(&mut applet, "00 F8 00 00 00"), serial);
    assert_eq!(refused(&mut applet, "00 A1 00 00 00"), 0x6d00, "OATH is not selected");
}
