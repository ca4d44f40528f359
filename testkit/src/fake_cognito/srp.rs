//! The server side of a sign-in by SRP, in which the password stays with the client.
//!
//! The protocol is that of RFC 5054 (SRP-6a) with group 15 of RFC 3526 (3072 bits, generator 2). AWS documents neither the
//! encoding of numbers nor the derivation of the key (HKDF, RFC 5869, with its own info). The sources are AWS's and other
//! clients: `AuthenticationHelper` of amazon-cognito-identity-js and `aws_srp.py` of pycognito.

use std::io;

use data_encoding::{BASE64, HEXLOWER};
use num_bigint::{BigInt, BigUint};
use oathbridge::otp::Algorithm;
use sha2::{Digest, Sha256};

use super::texts::random;

/// RFC 3526 §4.
const GROUP_15: &str = "\
    FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD\
    EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED\
    EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F\
    83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B\
    E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA0510\
    15728E5A8AAAC42DAD33170D04507A33A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7DB3970F85A6E1E4C7\
    ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864D87602733EC86A64521F2B18177B200C\
    BBE117577A615D6C770988C0BAD946E208E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF";

const INFO: &[u8] = b"Caldera Derived Key";

/// The random values of the server for one sign-in.
#[derive(Debug)]
pub(super) struct Choice {
    salt: BigUint,
    private: BigUint,
    block: Vec<u8>,
}

/// A sign-in that waits for the client's proof.
#[derive(Debug)]
pub(super) struct Exchange {
    choice: Choice,
    public: BigUint,
    key: Vec<u8>,
    /// The data that the proof covers, besides block and time.
    subject: String,
}

impl Choice {
    pub(super) fn random() -> io::Result<Self> {
        let number = |length| random(length).map(|bytes| BigUint::from_bytes_be(&bytes));
        Ok(Self { salt: number(16)?, private: number(32)?, block: random(1_024)? })
    }
}

impl Exchange {
    /// Starts a sign-in for a client's public value in hexadecimal digits; `None` for an invalid value. `pool` is the part
    /// of the pool's id after the underscore.
    pub(super) fn begin(
        (pool, user, password): (&str, &str, &str),
        public: &str,
        choice: Choice,
    ) -> Option<Self> {
        let modulus = BigUint::parse_bytes(GROUP_15.as_bytes(), 16)?;
        let generator = BigUint::from(2_u8);
        let theirs = BigUint::parse_bytes(public.as_bytes(), 16)?;
        // RFC 5054 §2.5.4: every attacker knows the key for such a value.
        if (&theirs % &modulus) == BigUint::ZERO {
            return None;
        }
        let identity = Sha256::digest(format!("{pool}{user}:{password}"));
        let exponent = hash(&[&bytes(&choice.salt), &identity]);
        let verifier = generator.modpow(&exponent, &modulus);
        let multiplier = hash(&[&bytes(&modulus), &bytes(&generator)]);
        let ours = (multiplier * &verifier + generator.modpow(&choice.private, &modulus)) % &modulus;
        let scramble = hash(&[&bytes(&theirs), &bytes(&ours)]);
        let shared = (theirs * verifier.modpow(&scramble, &modulus)).modpow(&choice.private, &modulus);
        let key = derive(&bytes(&shared), &bytes(&scramble))?;
        Some(Self { choice, public: ours, key, subject: format!("{pool}{user}") })
    }

    /// `SALT`, in hexadecimal digits.
    pub(super) fn salt(&self) -> String {
        HEXLOWER.encode(&bytes(&self.choice.salt))
    }

    /// `SRP_B`, in hexadecimal digits.
    pub(super) fn public(&self) -> String {
        self.public.to_str_radix(16)
    }

    /// `SECRET_BLOCK`, in base64.
    pub(super) fn block(&self) -> String {
        BASE64.encode(&self.choice.block)
    }

    /// Whether a `PASSWORD_CLAIM_SIGNATURE` for this `TIMESTAMP` proves the knowledge of the password.
    pub(super) fn is_proof(&self, signature: &str, timestamp: &str) -> bool {
        let message = [self.subject.as_bytes(), &self.choice.block, timestamp.as_bytes()].concat();
        BASE64.encode(&Algorithm::Sha256.hmac(&self.key, &message)) == signature
    }
}

/// The shortest big-endian form with a sign bit, as in Java and JavaScript.
fn bytes(number: &BigUint) -> Vec<u8> {
    BigInt::from(number.clone()).to_signed_bytes_be()
}

fn hash(parts: &[&[u8]]) -> BigUint {
    BigUint::from_bytes_be(&Sha256::digest(parts.concat()))
}

fn derive(secret: &[u8], salt: &[u8]) -> Option<Vec<u8>> {
    let extracted = Algorithm::Sha256.hmac(salt, secret);
    let expanded = Algorithm::Sha256.hmac(&extracted, &[INFO, &[1]].concat());
    expanded.get(..16).map(<[u8]>::to_vec)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that panics has failed")]
pub(super) mod tests {
    use super::*;

    const IDENTITY: (&str, &str, &str) = ("FaKe00001", "5f8a3c1e-0000-4000-8000-000000000001", "open sesame");
    const TIME: &str = "Thu Nov 5 02:40:07 UTC 2026";

    fn number(digits: &str) -> BigUint {
        BigUint::parse_bytes(digits.as_bytes(), 16).unwrap()
    }

    /// The values of a recorded run of pycognito 2024.5.1; salt and public value need a byte for the sign.
    fn choice() -> Choice {
        let private = number("3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d");
        let block = b"a block that says nothing".to_vec();
        Choice { salt: number("f0111111111111111111111111111111"), private, block }
    }

    fn client_public() -> String {
        let half = "1f40fc92da241694750979ee6cf582f2d5d7d28e18335de05abc54d0560e0f53\
                    02860c652bf08d560252aa5e74210546f369fbbbce8c12cfc7957b2652fe9a75";
        let private = number(&half.repeat(2));
        BigUint::from(2_u8).modpow(&private, &number(GROUP_15)).to_str_radix(16)
    }

    #[test]
    fn the_recorded_proof_of_pycognito_is_accepted() {
        let exchange = Exchange::begin(IDENTITY, &client_public(), choice()).unwrap();
        assert_eq!(exchange.salt(), "00f0111111111111111111111111111111");
        let proof = "7ZY0ZfstBisLt82KvPmRu7qOxa2HdEcooHWT6O7BE00=";
        assert!(exchange.is_proof(proof, TIME));
        assert!(!exchange.is_proof(proof, "Thu Nov 5 02:40:08 UTC 2026"));
        let other =
            Exchange::begin((IDENTITY.0, IDENTITY.1, "open, sesame"), &client_public(), choice()).unwrap();
        assert!(!other.is_proof(proof, TIME));
    }

    /// The client side of RFC 5054: a public value, and the proof for the server's response.
    pub(in super::super) fn client(
        (pool, user, password): (&str, &str, &str),
    ) -> (String, impl Fn(&str, &str, &str, &str) -> String + use<>) {
        let (modulus, two) = (number(GROUP_15), BigUint::from(2_u8));
        let private = number("c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee01");
        let public = two.modpow(&private, &modulus);
        let subject = format!("{pool}{user}");
        let identity = Sha256::digest(format!("{subject}:{password}"));
        let shown = public.to_str_radix(16);
        let prove = move |salt: &str, theirs: &str, block: &str, time: &str| {
            let theirs = number(theirs);
            let x = hash(&[&bytes(&number(salt)), &identity]);
            let k = hash(&[&bytes(&modulus), &[2]]);
            let u = hash(&[&bytes(&public), &bytes(&theirs)]);
            let masked = (k * two.modpow(&x, &modulus)) % &modulus;
            let shared = (theirs + &modulus - masked).modpow(&(&private + &u * x), &modulus);
            let key = derive(&bytes(&shared), &bytes(&u)).unwrap();
            let block = BASE64.decode(block.as_bytes()).unwrap();
            let message = [subject.as_bytes(), &block, time.as_bytes()].concat();
            BASE64.encode(&Algorithm::Sha256.hmac(&key, &message))
        };
        (shown, prove)
    }

    #[test]
    fn a_public_value_with_a_known_key_is_refused() {
        let twice = (number(GROUP_15) * 2_u8).to_str_radix(16);
        for value in ["0", GROUP_15, &twice, "", "not a number"] {
            assert!(Exchange::begin(IDENTITY, value, choice()).is_none(), "{value}");
        }
    }

    #[test]
    fn each_sign_in_has_its_own_random_values() {
        let [one, two] = [(); 2].map(|()| Choice::random().unwrap());
        assert!(one.salt != two.salt && one.private != two.private && one.block != two.block);
    }
}
