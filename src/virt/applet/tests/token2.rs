//! A Token2 key as a card, with the bytes of the vendor's card application.

use super::*;

const KEY: &str = "[[token]]
serial = 86104123
model = 'token2-pin-plus'
credential = [
    { issuer = 'AWS', account = 'alice', digits = 8, seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' },
    { account = 'bob', period = 60, touch = true, seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' },
    { account = 'carol', type = 'hotp', algorithm = 'SHA256', seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' },
]
";

const SELECT: &str = "00A4040008F00000014F747001";
const ALICE: &str = "01C1001E080003415753 05616C696365 083934323837303832";
const BOB: &str = "01C1003C0601 00 03626F62";
const CAROL: &str = "00C2001E0600 00 056361726F6C";

fn token(text: &str) -> Applet {
    Applet::new(&parse(text).unwrap()[0])
}

/// The response with its status.
fn answer(token: &mut Applet, command: &str) -> Vec<u8> {
    let response = send(token, command);
    [&response.data[..], &response.status.0.to_be_bytes()].concat()
}

#[test]
fn the_exchanges_of_the_vendors_application() {
    let mut token = token(KEY);
    for (command, response) in [
        ("00A4040007A0000005272101", "6A82".to_owned()),
        ("80C5050000000903000000000000003B", "6E00".to_owned()),
        (SELECT, "9000".to_owned()),
        ("80C505040400000000", "00000064 9000".to_owned()),
        ("80C5050409000000000000000000", "000000640000000000 9000".to_owned()),
        ("80C50504000004 00000000", "6AF8".to_owned()),
        ("80C505000903000000000000003B", "6AF8".to_owned()),
        (
            "80330000000012D11000000000000000000000000000000000",
            "D10E 3030303030303836313034313233 9000".to_owned(),
        ),
        ("80C5050000000903000000000000003B", format!("{ALICE} {BOB} {CAROL} 9000")),
        ("80C50501000008000000000000003B", "6A80".to_owned()),
        ("80C5050000001301000000000000003B0341575305616C696365", format!("{ALICE} 9000")),
        ("80C5050000001001000000000000003B0005636172616C", "6A80".to_owned()),
        ("80C5050000000103", "6700".to_owned()),
        ("80C50502", "6A86".to_owned()),
        ("80FF0000", "6D00".to_owned()),
        ("00C505040400000000", "6E00".to_owned()),
    ] {
        assert_eq!(answer(&mut token, command), hex(&response), "{command}");
    }
}

#[test]
fn a_touch_gives_the_code_and_its_absence_is_6ff9() {
    let mut token = token(KEY);
    answer(&mut token, SELECT);
    for (touch, expected) in
        [(Touch::Missed, "6FF9".to_owned()), (Touch::Given, format!("{BOB} 06373535323234 9000"))]
    {
        let pending = super::touch(&mut token, "80C5050000000E01000000000000003B0003626F62");
        let response = token.complete(&pending, touch);
        assert_eq!([&response.data[..], &response.status.0.to_be_bytes()].concat(), hex(&expected));
    }
}

#[test]
fn a_counter_advances_with_each_code() {
    let mut token = token(KEY);
    answer(&mut token, SELECT);
    let mut codes = Vec::new();
    for _ in 0..2 {
        codes.push(answer(&mut token, "80C5050000001001000000000000003B00056361726F6C"));
    }
    assert_ne!(codes[0], codes[1]);
    assert_eq!(token.hotp_counter("carol"), Some(2));
}

#[test]
fn a_pin_locks_the_list() {
    let mut token = token(&KEY.replace("credential = [", "pin = '135790'\ncredential = ["));
    answer(&mut token, SELECT);
    assert_eq!(answer(&mut token, "80C505040400000000"), hex("076406649000"));
    assert_eq!(answer(&mut token, "80C5050000000903000000000000003B"), hex("6982"));
    token.set_token2_attempts(Some(0));
    assert_eq!(answer(&mut token, "80C5050000000903000000000000003B"), hex("6983"));
}
