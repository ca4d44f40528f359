//! The slots of the key.

use crate::otp::{Algorithm, Code, Digits, truncate};
use crate::secret::SecretBytes;
use crate::virt::spec::{CredentialSpec, Kind};

/// The length of a name in bytes.
pub(super) const NAME: usize = 15;

/// The first numbers of slots in requests.
const FIRST_HOTP: u8 = 0x10;
const FIRST_TOTP: u8 = 0x20;

/// A slot that is set up.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) number: u8,
    pub(super) name: [u8; NAME],
    pub(super) digits: Digits,
    /// The period, or the counter of the next code.
    pub(super) factor: u64,
    seed: SecretBytes,
}

/// Puts the credentials into slots, in their order.
pub(super) fn slots(credentials: &[CredentialSpec]) -> Vec<Slot> {
    let (mut hotp, mut totp) = (FIRST_HOTP.., FIRST_TOTP..);
    let slot = |credential: &CredentialSpec| {
        let (numbers, factor) = match credential.kind {
            Kind::Hotp(counter) => (&mut hotp, counter.into()),
            Kind::Totp(period) => (&mut totp, period.seconds().into()),
        };
        let mut padded = [0; NAME];
        padded.iter_mut().zip(credential.label().bytes()).for_each(|(to, from)| *to = from);
        let (digits, seed) = (credential.digits, credential.seed.clone());
        Some(Slot { number: numbers.next()?, name: padded, digits, factor, seed })
    };
    credentials.iter().filter_map(slot).collect()
}

impl Slot {
    pub(super) fn is_hotp(&self) -> bool {
        self.number < FIRST_TOTP
    }

    /// The flags: bit 0 for eight digits.
    pub(super) fn flags(&self) -> u8 {
        u8::from(self.digits == Digits::EIGHT)
    }

    /// The code at this Unix time in seconds; a counter advances.
    pub(super) fn code(&mut self, time: u64) -> u32 {
        let factor = if self.is_hotp() { self.factor } else { time / self.factor.max(1) };
        if self.is_hotp() {
            self.factor += 1;
        }
        let digest = Algorithm::Sha1.hmac(self.seed.expose(), &factor.to_be_bytes());
        let code = Code::decimal(truncate(&digest).unwrap_or_default(), self.digits);
        code.expose().parse().unwrap_or_default()
    }

    /// Another program gives the slot another name.
    pub(super) fn rename(&mut self, name: &str) {
        self.name = [0; NAME];
        self.name.iter_mut().zip(name.bytes()).for_each(|(to, from)| *to = from);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::otp::Period;

    fn spec(account: &str, kind: Kind) -> CredentialSpec {
        CredentialSpec {
            issuer: String::new(),
            account: account.to_owned(),
            kind,
            algorithm: Algorithm::Sha1,
            digits: Digits::SIX,
            seed: SecretBytes::new(b"12345678901234567890".to_vec()),
            touch: false,
            pin: false,
        }
    }

    #[test]
    fn credentials_fill_the_slots_of_their_kind() {
        let specs = [
            spec("alice", Kind::Totp(Period::DEFAULT)),
            spec("counter", Kind::Hotp(0)),
            spec("bob", Kind::Totp(Period::DEFAULT)),
        ];
        let numbers: Vec<_> = slots(&specs).iter().map(|slot| slot.number).collect();
        assert_eq!(numbers, [0x20, 0x10, 0x21]);
        // RFC 4226, appendix D.
        let mut counter = slots(&specs).remove(1);
        assert_eq!([counter.code(0), counter.code(0)], [755_224, 287_082]);
    }
}
