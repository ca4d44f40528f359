//! Keys that answer anything.

use super::{Fake, Person};
use crate::clock::Clock;
use crate::otp::Step;
use crate::protocol::ykotp::{Keyboard, SlotNumber};

/// A deterministic generator of random numbers (Marsaglia, xorshift64).
struct Numbers(u64);

impl Numbers {
    fn byte(&mut self) -> u8 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.to_le_bytes()[3]
    }

    /// A report whose flags are usually those that continue the exchange.
    fn report(&mut self, reads: usize) -> Vec<u8> {
        let number = u8::try_from(reads % 8).unwrap();
        let flags = match self.byte() % 16 {
            0 => self.byte(),
            1 => 0x80,
            2 => 0x20 | number,
            3..=5 => 0,
            _ => 0x40 | number,
        };
        let length = if self.byte() == 0 { usize::from(self.byte() % 70) } else { 8 };
        let mut report: Vec<u8> = (0..length).map(|_| self.byte()).collect();
        if let Some(last) = report.get_mut(7) {
            *last = flags;
        }
        report
    }
}

#[test]
fn no_key_causes_a_panic_or_an_endless_exchange() {
    for seed in 1..=2_000_u64 {
        let mut numbers = Numbers(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut fake = Fake::new(move |_, reads| numbers.report(reads - 1));
        let clock = fake.clock.clone();
        let mut keyboard = Keyboard::new(&mut fake, &*clock);
        let results = (
            keyboard.status().is_ok(),
            keyboard.serial().is_ok(),
            keyboard.hmac(SlotNumber::One, Step(seed), &Person::default()).is_ok(),
        );
        drop(keyboard);
        assert!(!results.2, "a checksum of random bytes");
        assert!(!fake.is_locked);
        assert!(clock.monotonic().as_secs() < 100);
    }
}
