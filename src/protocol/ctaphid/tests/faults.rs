//! Each fault has its own error, within its deadline.

use super::super::Error;
use super::*;
use crate::device::{self, NoProgress, Transaction};

/// The error of LIST, and the time that it took.
fn failure(answer: &[Vec<u8>]) -> (Error, Duration) {
    let mut key = Fake::new(|_, kind| if kind == command::SECRETS { answer.to_vec() } else { Vec::new() });
    let error = key.exchange(&list(), &Person::default()).unwrap_err();
    (error, key.clock.monotonic())
}

#[test]
fn each_fault_has_its_error() {
    let long = secrets(&("9000".to_owned() + &"72".repeat(200)));
    let swapped = [long[0].clone(), long[2].clone(), long[1].clone()];
    let foreign = message(OTHER, command::SECRETS, &[0x90, 0x00]);
    let keep_alive = message(OTHER, command::KEEPALIVE, &[1]);
    let too_long = [&CHANNEL[..], &[0xf0, 0x1d, 0xba], &[0; 57]].concat();
    let second = Duration::from_secs(1);
    for (answer, error, limit) in [
        (vec![], Error::Silence, 3 * second),
        (foreign, Error::OtherChannels, 3 * second),
        (vec![keep_alive[0].clone(); 63], Error::OtherChannels, 3 * second),
        (vec![keep_alive[0].clone(); 5_000], Error::Flood, second),
        (swapped.to_vec(), Error::Sequence { expected: 0, received: 1 }, second),
        (long[..2].to_vec(), Error::BrokenOff, second),
        (vec![long[0][..63].to_vec()], Error::ReportLength(63), second),
        (vec![[&long[0][..], &[0]].concat()], Error::ReportLength(65), second),
        (vec![too_long], Error::Length(7_610), second),
        (secrets("90"), Error::Length(1), second),
        (secrets(""), Error::Length(0), second),
        (message(CHANNEL, 0x10, &[0]), Error::UnexpectedCommand(0x10), second),
        (message(CHANNEL, command::ERROR, &[1]), Error::UnknownCommand, second),
        (message(CHANNEL, command::ERROR, &[0x0b]), Error::Refused(0x0b), second),
    ] {
        let (seen, time) = failure(&answer);
        assert_eq!(seen, error);
        assert!(time <= limit, "{error:?} after {time:?}");
    }
}

#[test]
fn a_key_that_was_pulled_out_is_removed() {
    struct Gone;
    impl Reports for Gone {
        fn send(&mut self, _: &[u8]) -> Result<(), device::Error> {
            Err(device::Error::Removed)
        }

        fn receive(&mut self, _: &mut [u8], _: Duration) -> Result<usize, device::Error> {
            Err(device::Error::Removed)
        }
    }
    let clock = ManualClock::at(Duration::ZERO);
    let own = OwnChannel::default();
    assert_eq!(Key::connect(&mut Gone, &clock, &own).err(), Some(Error::Device(device::Error::Removed)));
}

/// Each transfer to it takes the 5 s of the kernel, also CANCEL.
#[test]
fn a_key_that_fails_a_transfer_is_sent_nothing_more() {
    struct Dead<A>(Fake<A>);
    impl<A: FnMut(usize, u8) -> Vec<Vec<u8>> + Send> Reports for Dead<A> {
        fn send(&mut self, report: &[u8]) -> Result<(), device::Error> {
            self.0.send(report)
        }

        fn receive(&mut self, report: &mut [u8], timeout: Duration) -> Result<usize, device::Error> {
            match self.0.messages {
                0 => self.0.receive(report, timeout),
                _ => Err(device::Error::NoAnswer(String::new())),
            }
        }
    }
    let mut key = Dead(Fake::new(|_, _| Vec::new()));
    let (own, clock) = (OwnChannel::default(), Arc::clone(&key.0.clock));
    own.allocate(&mut key, &*clock, NONCE).unwrap();
    let result = Key::connect(&mut key, &*clock, &own).unwrap().exchange(&list(), &NoProgress);
    assert_eq!(result.unwrap_err(), Error::Device(device::Error::NoAnswer(String::new())));
    assert_eq!(key.0.commands(), [command::SECRETS]);
}

/// So that another family is tried, or none.
#[test]
fn a_key_without_the_application_answers_like_a_card_without_it() {
    let mut key = Fake::new(|_, _| error(0x01));
    let clock = Arc::clone(&key.clock);
    let own = key.connect().unwrap();
    let mut key = Key::connect(&mut key, &*clock, &own).unwrap();
    assert_eq!(key.transmit(&list(), &NoProgress).unwrap().status.0, 0x6d00);
}

/// The reports have any content.
#[test]
fn arbitrary_reports_do_no_harm() {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut byte = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u8::try_from(state >> 56).unwrap()
    };
    for _ in 0..2_000 {
        let mut key = Fake::new(|_, _| {
            let count = byte() % 8;
            let mut report = || {
                let mut report: Vec<u8> = (0..REPORT).map(|_| byte()).collect();
                let channel = if report[8] < 200 { CHANNEL } else { [0xff; 4] };
                report[..4].copy_from_slice(&channel);
                report[4] = [0xf0, 0x86, 0xbf, 0xbb, 0, 1, report[4], 0xf0][usize::from(report[9] % 8)];
                report[5] %= 2;
                report
            };
            (0..count).map(|_| report()).collect()
        });
        let _ = key.exchange(&calculate(), &Person::default());
        assert!(key.clock.monotonic() <= Duration::from_secs(40));
    }
}
