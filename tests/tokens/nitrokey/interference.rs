//! Other programs at the same key.

use std::time::Duration;

use oathbridge::device::Reports;
use oathbridge::virt::{FidoFault, FidoInterface};
use testkit::client::Options;

use super::{Bench, TIMEOUT, named};

/// Sends a report that begins with these bytes.
fn send(fido: &mut FidoInterface, bytes: &[u8]) {
    let mut report = bytes.to_vec();
    report.resize(64, 0);
    fido.send(&report).unwrap();
}

/// What `fido2-token -I` begins with. Returns the channel.
fn allocate(fido: &mut FidoInterface) -> [u8; 4] {
    send(fido, b"\xff\xff\xff\xff\x86\0\x08stranger");
    let mut report = [0; 64];
    while !report[7..].starts_with(b"stranger") {
        assert_eq!(fido.receive(&mut report, TIMEOUT), Ok(64));
    }
    report[15..19].try_into().unwrap()
}

#[testkit::test]
async fn a_touch_wait_goes_on_after_another_program_has_ended_it() {
    let bench = Bench::new().await;
    let call = bench.touching(named()).await;
    let calculations = bench.key.count(0xa2);
    let mut other = bench.key.fido().unwrap();
    allocate(&mut other);
    bench.wait(move |key| key.wait_until_it_wants_a_touch(TIMEOUT)).await;
    assert_eq!(bench.key.count(0xa2), calculations + 1, "the request was sent again");
    bench.key.touch();
    assert_eq!(call.await.unwrap().unwrap().len(), 6);
}

#[testkit::test]
async fn a_dropped_request_is_sent_again_unless_it_advances_a_counter() {
    let bench = Bench::new().await;
    // The first request is SELECT.
    for fault in [FidoFault::KeepAlive, FidoFault::Stranger] {
        bench.key.fail_next_fido(fault);
    }
    assert_eq!(bench.code("alice").await.len(), 8);

    for fault in [FidoFault::KeepAlive, FidoFault::Stranger] {
        bench.key.fail_next_fido(fault);
    }
    let advance = || Options::from([("advance-counter", true.into())]);
    let refusal = bench.call("counter", advance()).await.await.unwrap().unwrap_err();
    assert_eq!(refusal.name, "TokenBusy");
    assert_eq!(bench.key.hotp_counter("counter"), Some(0));
    assert_eq!(bench.call("counter", advance()).await.await.unwrap().unwrap(), "755224");
}

#[testkit::test]
async fn a_key_that_another_program_uses_is_asked_again_and_given_up_after_two_seconds() {
    let bench = Bench::new().await;
    for code in [0x06, 0x00, 0x04] {
        bench.key.fail_next_fido(FidoFault::Error(code));
        assert_eq!(bench.code("alice").await.len(), 8, "error {code:02X}");
    }

    let mut other = bench.key.fido().unwrap();
    let channel = allocate(&mut other);
    let calculate = b"\0\xa2\0\x01\x13\x71\x07touched\x74\x08\0\0\0\0\0\0\0\x01";
    send(&mut other, &[&channel[..], &[0xf0, 0, 24], calculate].concat());
    bench.wait(|key| key.wait_until_it_wants_a_touch(TIMEOUT)).await;
    let messages = bench.key.fido_messages();
    let call = bench.call("alice", Options::new()).await;
    bench.wait(move |key| key.wait_for_fido_messages(messages + 2, TIMEOUT)).await;
    bench.world.clock().unwrap().advance(Duration::from_secs(2));
    assert_eq!(call.await.unwrap().unwrap_err().name, "TokenBusy");
    assert!(bench.key.wait_until_it_wants_a_touch(Duration::ZERO), "the other program was not disturbed");
    bench.key.touch();
    let mut report = [0; 64];
    while report[..5] != [&channel[..], &[0xf0]].concat() {
        assert_eq!(other.receive(&mut report, TIMEOUT), Ok(64));
    }
    assert_eq!(report[7..9], [0x90, 0x00]);
    assert_eq!(bench.code("alice").await.len(), 8);
}
