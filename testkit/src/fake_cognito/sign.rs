//! Tokens with a valid signature: JSON Web Tokens signed with RS256 (RFC 7518 §3.3).

use std::io;
use std::sync::OnceLock;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

use super::texts::random;

/// The public exponent 65537 in base64url, as in a JSON Web Key.
const EXPONENT: &str = "AQAB";

/// The bytes before and after the modulus in the DER form of a public key of 2048 bits with that exponent (RFC 8017
/// A.1.1).
const BEFORE: &[u8] = &[0x30, 0x82, 0x01, 0x0a, 0x02, 0x82, 0x01, 0x01, 0x00];
const AFTER: &[u8] = &[0x02, 0x03, 0x01, 0x00, 0x01];

/// The key, created at the first use, because most tests need none.
#[derive(Debug)]
struct Signer {
    pair: RsaKeyPair,
    id: String,
}

/// A token with these claims.
pub(super) fn token(claims: &Value) -> io::Result<String> {
    let signer = signer()?;
    let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
    let text = [part(&json!({"kid": signer.id, "alg": "RS256"})), part(claims)].join(".");
    let mut signature = vec![0; signer.pair.public_modulus_len()];
    let signed = signer.pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature);
    signed.map_err(|_| io::Error::other("no signature"))?;
    Ok([text, BASE64URL_NOPAD.encode(&signature)].join("."))
}

/// The JSON Web Key Set with the public key of the tokens.
pub(super) fn keys() -> io::Result<Value> {
    let signer = signer()?;
    let public = signer.pair.public_key().as_ref();
    let modulus = public.strip_prefix(BEFORE).and_then(|rest| rest.strip_suffix(AFTER));
    let modulus = modulus.ok_or_else(|| io::Error::other("another kind of key"))?;
    let n = BASE64URL_NOPAD.encode(modulus);
    Ok(
        json!({"keys": [{"kid": signer.id, "kty": "RSA", "alg": "RS256", "use": "sig", "e": EXPONENT, "n": n}]}),
    )
}

fn signer() -> io::Result<&'static Signer> {
    static SIGNER: OnceLock<Option<Signer>> = OnceLock::new();
    let make = || {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).ok()?;
        Some(Signer { pair, id: BASE64URL_NOPAD.encode(&random(32).ok()?) })
    };
    SIGNER.get_or_init(make).as_ref().ok_or_else(|| io::Error::other("no key to sign with"))
}
