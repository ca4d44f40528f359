//! One stored entry.

use zeroize::Zeroizing;

use crate::otp::{Algorithm, Code, Digits, truncate};
use crate::secret::SecretBytes;
use crate::virt::spec::{CredentialSpec, Kind};

/// An entry in the application's storage.
pub(super) struct Entry {
    issuer: String,
    account: String,
    algorithm: Algorithm,
    digits: Digits,
    seed: SecretBytes,
    pub(super) needs_touch: bool,
    pub(super) factor: Factor,
}

/// The moving factor of an entry.
#[derive(Clone, Copy)]
pub(super) enum Factor {
    /// The time, in steps of so many seconds.
    Time(u16),
    /// A counter, with the value for the next code.
    Counter(u64),
}

impl Entry {
    pub(super) fn from_spec(spec: &CredentialSpec) -> Self {
        Self {
            issuer: spec.issuer.clone(),
            account: spec.account.clone(),
            algorithm: spec.algorithm,
            digits: spec.digits,
            seed: spec.seed.clone(),
            needs_touch: spec.touch,
            factor: match spec.kind {
                // `spec/` allows no longer period.
                Kind::Totp(period) => Factor::Time(u16::try_from(period.seconds()).unwrap_or(u16::MAX)),
                Kind::Hotp(counter) => Factor::Counter(counter.into()),
            },
        }
    }

    /// `[issuer:]account`.
    pub(super) fn label(&self) -> String {
        let issuer = if self.issuer.is_empty() { String::new() } else { format!("{}:", self.issuer) };
        format!("{issuer}{}", self.account)
    }

    /// Issuer and account, each of them with its length before it.
    pub(super) fn name(&self) -> Vec<u8> {
        let mut name = Vec::new();
        for part in [&self.issuer, &self.account] {
            name.extend(u8::try_from(part.len()));
            name.extend(part.bytes());
        }
        name
    }

    /// Whether a list has its code.
    pub(super) fn is_free(&self) -> bool {
        !self.needs_touch && matches!(self.factor, Factor::Time(_))
    }

    /// The entry as a part of a response, without its code.
    pub(super) fn describe(&self) -> Vec<u8> {
        let (kind, period) = match self.factor {
            Factor::Counter(_) => (0x00, 30),
            Factor::Time(period) => (0x01, period),
        };
        let algorithm = if self.algorithm == Algorithm::Sha256 { 0xc2 } else { 0xc1 };
        let [high, low] = u16::to_be_bytes(period);
        let header = [kind, algorithm, high, low, self.digits.get(), u8::from(self.needs_touch)];
        [&header[..], &self.name()].concat()
    }

    /// The code for this Unix time, with its length before it. A counter increases.
    pub(super) fn code(&mut self, time: u64) -> Zeroizing<Vec<u8>> {
        let factor = match &mut self.factor {
            Factor::Time(period) => time / u64::from(*period).max(1),
            Factor::Counter(counter) => {
                let now = *counter;
                *counter = counter.wrapping_add(1);
                now
            }
        };
        let digest = self.algorithm.hmac(self.seed.expose(), &factor.to_be_bytes());
        let code = Code::decimal(truncate(&digest).unwrap_or_default(), self.digits);
        let mut response = Zeroizing::new(Vec::with_capacity(11));
        response.push(self.digits.get());
        response.extend_from_slice(code.expose().as_bytes());
        response
    }
}
