//! What fits in a Token2 PIN+.

use super::credential::{CredentialSpec, Kind};
use crate::otp::Algorithm;

/// Checks that the key can hold these credentials.
pub(super) fn check(credentials: &[CredentialSpec]) -> Result<(), String> {
    let fits = |credential: &CredentialSpec| {
        let has_period = match credential.kind {
            Kind::Totp(period) => period.seconds() <= u16::MAX.into(),
            Kind::Hotp(counter) => counter == 0,
        };
        let has_seed = credential.seed.expose().len() <= 64;
        has_period && has_seed && !credential.pin && credential.algorithm != Algorithm::Sha512
    };
    if !credentials.iter().all(fits) {
        return Err("an entry of a Token2 key has SHA1 or SHA256, a period of at most 65,535 seconds, a seed of at most \
                    64 bytes, a counter from 0, and no PIN of its own"
            .to_owned());
    }
    Ok(())
}
