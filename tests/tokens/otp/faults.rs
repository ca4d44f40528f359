//! Each fault has its error within its deadline, and the next request succeeds.

use std::time::Duration;

use oathbridge::device::Reports;
use oathbridge::virt::OtpFault;
use testkit::client::{Event, Options};

use super::{Bench, SLOTS, TIMEOUT, wait};

/// The deadline of an exchange.
const DEADLINE: Duration = Duration::from_secs(3);

/// The reports of a whole request of bob's code, and the report after the response.
const REPORTS: usize = 3;

#[testkit::test]
async fn a_disturbed_response_is_requested_once_more() {
    let bench = Bench::new(SLOTS).await;
    for fault in [OtpFault::Checksum, OtpFault::Sequence, OtpFault::Interference] {
        bench.key.fail_next_otp(fault);
        assert_eq!(bench.code("bob").await.len(), 8, "{fault:?}");
        bench.key.fail_next_otp(fault);
        bench.key.fail_next_otp(fault);
        assert_eq!(bench.refusal("bob").await, "Malformed", "{fault:?}");
        assert_eq!(bench.code("bob").await.len(), 8, "after {fault:?}");
    }
}

#[testkit::test]
async fn reports_of_a_wrong_length_are_refused() {
    let bench = Bench::new(SLOTS).await;
    for length in [0, 3, 9, 64] {
        bench.key.fail_next_otp(OtpFault::ReportLength(length));
        assert_eq!(bench.refusal("bob").await, "Malformed", "{length} bytes");
        assert_eq!(bench.code("bob").await.len(), 8, "after {length} bytes");
    }
}

/// Fails the next request, and moves the clock when the key has received so many reports of it.
async fn refusal_at_the_deadline(bench: &Bench, fault: OtpFault, reports: usize) -> String {
    let before = bench.key.otp_reports().0;
    bench.key.fail_next_otp(fault);
    let credential = bench.credential("bob").await;
    let call = bench.client().calculate(&credential, Options::new());
    let deadline = async {
        wait(&bench.key, move |key| key.wait_for_otp_reports(before + reports, TIMEOUT)).await;
        bench.world.clock().unwrap().advance(DEADLINE);
    };
    let (refusal, ()) = tokio::join!(call, deadline);
    refusal.unwrap_err().name
}

#[testkit::test]
async fn a_key_that_stays_busy_or_never_responds_is_given_up() {
    let bench = Bench::new(SLOTS).await;
    for (fault, reports) in [(OtpFault::Busy, 1), (OtpFault::Stall, REPORTS)] {
        assert_eq!(refusal_at_the_deadline(&bench, fault, reports).await, "TokenStuck", "{fault:?}");
        assert_eq!(bench.code("bob").await.len(), 8, "after {fault:?}");
    }
    let log = bench.world.stage.log().unwrap();
    assert!(log.contains("the busy flag of the key stays set") && log.contains("the key sends no response"));
}

#[testkit::test]
async fn a_key_that_is_pulled_out_within_a_frame_comes_back() {
    let bench = Bench::new(SLOTS).await;
    let mut signals = bench.client().signals().await.unwrap();
    let before = bench.slots().await;
    bench.key.fail_next_otp(OtpFault::Vanish);
    assert_eq!(bench.refusal("bob").await, "TokenRemoved");
    let is_removed =
        |event: &Event| matches!(event, Event::Removed { .. }) && event.place().starts_with("tokens/otpslot");
    signals.until(is_removed).await.unwrap();
    bench.world.plug(&bench.key).await.unwrap();
    assert_eq!(bench.code("bob").await.len(), 8);
    assert_eq!(bench.slots().await, before, "with the same paths");
}

#[testkit::test]
async fn a_key_that_waits_for_another_program_is_busy() {
    let bench = Bench::new(SLOTS).await;
    let bob = bench.credential("bob").await;
    let mut stranger = bench.key.keyboard().unwrap();
    // A challenge of the slot that requires a touch.
    for report in
        [[0, 0, 0, 0, 0, 0, 0, 0x80], [1, 0, 0, 0, 0, 0, 0, 0x81], [0, 0x30, 0xb9, 0x8e, 0, 0, 0, 0x89]]
    {
        stranger.send(&report).unwrap();
    }
    let (_, looks) = bench.key.otp_reports();
    let call = bench.client().calculate(&bob, Options::new());
    let deadline = async {
        wait(&bench.key, move |key| key.wait_for_otp_looks(looks + 1, TIMEOUT)).await;
        bench.world.clock().unwrap().advance(Duration::from_secs(1));
    };
    let (refusal, ()) = tokio::join!(call, deadline);
    assert_eq!(refusal.unwrap_err().name, "TokenBusy");
    assert!(bench.key.wait_until_it_wants_a_touch(Duration::ZERO), "the other program was not disturbed");
    bench.key.touch();
    let mut report = [0; 8];
    stranger.receive(&mut report, Duration::ZERO).unwrap();
    assert_eq!(report, [0x75, 0xa4, 0x8a, 0x19, 0xd4, 0xcb, 0xe1, 0x40]);
    stranger.send(&[0, 0, 0, 0, 0, 0, 0, 0xff]).unwrap();
    assert_eq!(bench.code("bob").await.len(), 8);
}

#[testkit::test]
async fn an_empty_slot_is_listed_and_refuses() {
    let config = "[[hid.otp_slot]]\nserial = 7050602\nslot = 2\naccount = 'bob'\n";
    let key = "[[token]]\nserial = 7050602\notp-slot = [{ slot = 1, seed = 'ME' }]\n";
    let config = format!("[pcsc]\nenabled = false\n{config}");
    let world =
        testkit::scenario::Scenario::inside().virtual_tokens(key).config(&config).start().await.unwrap();
    let bob = world.client.credential("bob").await.unwrap();
    let refusal = world.client.calculate(&bob, Options::new()).await.unwrap_err();
    assert_eq!(refusal.name, "Unsupported");
    assert!(refusal.sentence.contains("its slot is empty"), "{}", refusal.sentence);
    assert!(world.stage.log().unwrap().contains("slot 2 of the key 7050602 is empty"));
}
