//! The virtual interface as other programs see it: frames byte by byte.

use std::time::{Duration, Instant};

use crate::device::Reports;
use crate::virt::{FidoFault, FidoInterface, VirtualToken, parse};

/// A timeout that only a failing test reaches.
const TIMEOUT: Duration = Duration::from_secs(60);

const KEY: &str = "[[token]]
serial = 16909060
model = 'nitrokey-3'
touch = 'never'
[[token.credential]]
issuer = 'AWS'
account = 'alice'
digits = 8
seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'
[[token.credential]]
account = 't'
touch = true
seed = 'me'
";

fn key() -> VirtualToken {
    VirtualToken::new(&parse(KEY).unwrap()[0])
}

fn bytes(hex: &str) -> Vec<u8> {
    data_encoding::HEXUPPER.decode(hex.replace(' ', "").as_bytes()).unwrap()
}

fn send(fido: &mut FidoInterface, hex: &str) {
    let mut report = bytes(hex);
    report.resize(64, 0);
    fido.send(&report).unwrap();
}

/// The begin of the next report.
fn next(fido: &mut FidoInterface, length: usize) -> String {
    let mut report = [0; 64];
    assert_eq!(fido.receive(&mut report, TIMEOUT).unwrap(), 64);
    data_encoding::HEXUPPER.encode(&report[..length])
}

/// A channel for the program.
fn channel(fido: &mut FidoInterface) -> String {
    send(fido, "FFFFFFFF 86 0008 0102030405060708");
    let answer = next(fido, 24);
    assert_eq!(answer[..30], *"FFFFFFFF8600110102030405060708");
    answer[30..38].to_owned()
}

#[test]
fn the_documented_exchange() {
    let key = key();
    let mut fido = key.fido().unwrap();
    let channel = channel(&mut fido);
    send(&mut fido, &format!("{channel} F0 000C 00A4040007A0000005272101"));
    let selected = next(&mut fido, 30);
    assert_eq!(selected[8..28], *"F0001790007903041000");
    assert_eq!(selected[48..60], *"8F0401020304");
    send(&mut fido, &format!("{channel} F0 001A 00A2000115 71094157533A616C696365 74080000000000000001"));
    assert_eq!(next(&mut fido, 16)[8..], *"F000099000760508 41397EEA".replace(' ', ""));
    send(&mut fido, &format!("{channel} F0 0006 00A100000101"));
    assert_eq!(
        next(&mut fido, 27)[8..],
        *"F0001490 00 720B214157533A616C69636500 72032174 01".replace(' ', "")
    );
    assert_eq!(key.count(0xa2), 1);
    send(&mut fido, &format!("{channel} 90 0001 04"));
    assert_eq!(next(&mut fido, 20)[8..], *"90001F 00 A2 0181 68 4649444F5F325F30".replace(' ', ""));
    send(&mut fido, &format!("{channel} 90 0001 06"));
    assert_eq!(next(&mut fido, 8)[8..], *"BF000101");
}

#[test]
fn what_a_nitrokey_lacks_is_refused() {
    let key = key();
    let mut fido = key.fido().unwrap();
    let channel = channel(&mut fido);
    let calculate_all = "00A400010A 74080000000000000000";
    for (apdu, status) in [
        (calculate_all, "6D00"),
        ("00A3000000", "6D00"),
        ("00A2000007 710174 74020000", "6D00"),
        ("00A2000107 710178 74020000", "6A82"),
        ("00A4040005 A000000308", "6A82"),
    ] {
        let apdu = apdu.replace(' ', "");
        send(&mut fido, &format!("{channel} F0 00{:02X} {apdu}", apdu.len() / 2));
        assert_eq!(next(&mut fido, 9)[8..], format!("F00002{status}"), "{apdu}");
    }
}

#[test]
fn other_programs_get_every_report_and_end_requests() {
    let key = key();
    let (mut ours, mut theirs) = (key.fido().unwrap(), key.fido().unwrap());
    let channel_of_ours = channel(&mut ours);
    assert_eq!(next(&mut theirs, 7), "FFFFFFFF860011");
    send(&mut ours, &format!("{channel_of_ours} F0 000F 00A200010A 710174 7405000000 0001"));
    assert!(key.wait_until_it_wants_a_touch(TIMEOUT));
    let channel_of_theirs = channel(&mut theirs);
    assert!(key.wait_until_it_wants_no_touch(Duration::ZERO), "the request was dropped");
    assert_eq!(next(&mut ours, 7), "FFFFFFFF860011");

    send(&mut ours, &format!("{channel_of_ours} F0 000F 00A200010A 710174 7405000000 0001"));
    send(&mut theirs, &format!("{channel_of_theirs} F0 0004 00A10000"));
    assert_eq!(next(&mut theirs, 8), format!("{channel_of_theirs}BF000100"), "busy");
    send(&mut ours, &format!("{channel_of_ours} 91 0000"));
    next(&mut ours, 1);
    assert_eq!(next(&mut ours, 9), format!("{channel_of_ours}F000026500"));
    send(&mut ours, "00001234 F0 0004 00A10000");
    assert_eq!(next(&mut ours, 8), "00001234BF00010B");
}

#[test]
fn faults_apply_to_one_request() {
    let key = key();
    let mut fido = key.fido().unwrap();
    let channel = channel(&mut fido);
    let list = format!("{channel} F0 0004 00A10000");
    for (fault, answer) in [
        (FidoFault::Error(6), format!("{channel}BF000106")),
        (FidoFault::Stranger, "FFFFFFFF860011".to_owned()),
        (FidoFault::Channel, "0000ABCDF0".to_owned()),
    ] {
        key.fail_next_fido(fault);
        send(&mut fido, &list);
        assert_eq!(next(&mut fido, answer.len() / 2), answer);
        send(&mut fido, &list);
        assert_eq!(next(&mut fido, 5), format!("{channel}F0"), "after {fault:?}");
    }
    key.fail_next_fido(FidoFault::Stall);
    send(&mut fido, &list);
    assert_eq!(fido.receive(&mut [0; 64], Duration::ZERO), Ok(0));
}

#[test]
fn each_report_takes_the_time_of_the_file() {
    let text = KEY.replacen("touch = 'never'", "touch = 'never'\nreport-delay-ms = 20", 1);
    let key = VirtualToken::new(&parse(&text).unwrap()[0]);
    let begun = Instant::now();
    channel(&mut key.fido().unwrap());
    assert!(begun.elapsed() >= Duration::from_millis(40), "one was sent, and one was received");
}
