//! What fits in the slots of a Nitrokey Pro.

use super::credential::{CredentialSpec, Kind};
use crate::otp::{Algorithm, Digits};

/// The length of a name, and of a key, in bytes.
const NAME: usize = 15;
const MAX_SEED: usize = 40;

/// The numbers of slots.
const HOTP_SLOTS: usize = 3;
const TOTP_SLOTS: usize = 15;

/// Checks that these credentials fit in the slots.
pub(super) fn check(credentials: &[CredentialSpec]) -> Result<(), String> {
    let is_hotp = |credential: &&CredentialSpec| matches!(credential.kind, Kind::Hotp(_));
    let hotp = credentials.iter().filter(is_hotp).count();
    if hotp > HOTP_SLOTS || credentials.len() - hotp > TOTP_SLOTS {
        return Err("a Nitrokey Pro has 3 slots with counters and 15 other ones".to_owned());
    }
    let fits = |credential: &CredentialSpec| {
        let has_digits = [Digits::SIX, Digits::EIGHT].contains(&credential.digits);
        let has_seed = credential.seed.expose().len() <= MAX_SEED;
        let is_plain = !credential.touch && !credential.pin && credential.algorithm == Algorithm::Sha1;
        has_digits && has_seed && is_plain && credential.label().len() <= NAME
    };
    if !credentials.iter().all(fits) {
        return Err(
            "a slot of a Nitrokey Pro has SHA1, 6 or 8 digits, a name of at most 15 bytes, and no touch"
                .to_owned(),
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::otp::Period;
    use crate::secret::SecretBytes;

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
    fn what_fits_in_no_slot_is_refused() {
        assert!(check(&[spec("alice", Kind::Totp(Period::DEFAULT))]).is_ok());
        assert!(check(&[spec("sixteen letters!", Kind::Hotp(0))]).is_err());
        assert!(check(&[CredentialSpec { touch: true, ..spec("a", Kind::Hotp(0)) }]).is_err());
        let four: Vec<_> = (0..4).map(|number| spec(&number.to_string(), Kind::Hotp(0))).collect();
        assert!(check(&four).is_err());
    }
}
