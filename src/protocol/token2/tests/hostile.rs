//! A key or a card that sends anything does no harm, and is given up in time.

use super::super::Card;
use super::super::entry::{Codes, Page};
use super::*;
use crate::device::{NoProgress, Transaction};
use crate::oath::{MovingFactor, OathSession};
use crate::otp::Step;

/// Pseudo-random bytes.
struct Random(u64);

impl Random {
    fn byte(&mut self) -> u8 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u8::try_from(self.0 >> 56).unwrap()
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.byte()).collect()
    }
}

#[test]
fn arbitrary_reports_do_no_harm() {
    let mut random = Random(1);
    for _ in 0..2_000 {
        let mut key = Fake::new(|_| {
            let count = random.byte() % 6;
            let mut report = || {
                let mut report = random.bytes(REPORT);
                report[0] = if random.byte() < 240 { 0x21 } else { report[0] };
                report[1] = [0x00, 0x20, 0x21, 0xc0, report[1]][usize::from(report[2] % 5)];
                report[2] %= 70;
                report
            };
            (0..count).map(|_| report()).collect()
        });
        let _ = key.in_session(|session| {
            for credential in session.list()? {
                let _ = session.calculate(&credential, MovingFactor::Step(Step(1)), &NoProgress);
            }
            Ok(())
        });
        assert!(key.clock.monotonic() <= Duration::from_secs(120));
    }
}

#[test]
fn arbitrary_pages_do_no_harm() {
    let mut random = Random(2);
    for _ in 0..20_000 {
        let length = usize::from(random.byte());
        let mut page = random.bytes(length);
        if let [kind, algorithm, high, _, digits, ..] = page.as_mut_slice() {
            (*kind, *algorithm, *high, *digits) = (*kind % 2, 0xc1, 0, 6);
        }
        for codes in [Codes::Free, Codes::All] {
            if let Ok(page) = Page::parse(&page, codes) {
                assert!(page.entries.len() <= length / 8);
            }
        }
    }
}

struct Hostile(Random);

impl Transaction for Hostile {
    fn transmit(&mut self, command: &Command, _: &dyn Progress) -> Result<Response, device::Error> {
        let length = usize::from(self.0.byte());
        let mut response = self.0.bytes(length);
        response.extend(match (command.instruction(), self.0.byte()) {
            (0xa4, _) | (_, 0..=127) => [0x90, 0x00],
            (_, 128..=190) => [0x61, 0x10],
            (_, other) => [0x6c, other],
        });
        Ok(card_response(&response))
    }
}

#[test]
fn an_arbitrary_card_does_no_harm() {
    let mut card = Hostile(Random(3));
    for _ in 0..2_000 {
        let (clock, insertion) = (ManualClock::at(NOW), Insertion::default());
        let Ok(selected) = Card::select(&mut card) else { continue };
        if let Ok(mut session) = Session::begin(Box::new(selected), &clock, &insertion) {
            let _ = session.list();
        }
    }
}
