//! Converts a digest to the code that a person types (RFC 4226 §5.3).

use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

/// A one-time password as text: digits with leading zeros, or the five letters of Steam.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Code(String);

impl Code {
    /// Steam's letters, least significant first.
    const STEAM: &'static [u8; 26] = b"23456789BCDFGHJKMNPQRTVWXY";

    /// The decimal code of a truncated digest, whose top bit is ignored.
    pub fn decimal(truncated: u32, digits: Digits) -> Self {
        let value = u64::from(truncated & 0x7fff_ffff);
        // Formatting would leave the digits on the stack of the thread.
        let mut text = String::with_capacity(digits.0.into());
        for place in (0..u32::from(digits.0)).rev() {
            let digit = value / 10_u64.pow(place) % 10;
            text.push(u8::try_from(digit).map_or('0', |digit| char::from(b'0' + digit)));
        }
        Self(text)
    }

    /// The code that a token sent as text; `None` unless it consists of so many decimal digits.
    pub fn received(text: &[u8], digits: Digits) -> Option<Self> {
        let is_code = text.len() == usize::from(digits.0) && text.iter().all(u8::is_ascii_digit);
        is_code.then(|| {
            let mut code = String::with_capacity(text.len());
            code.extend(text.iter().copied().map(char::from));
            Self(code)
        })
    }

    /// Steam's code of a truncated digest.
    pub fn steam(truncated: u32) -> Self {
        let mut rest = truncated & 0x7fff_ffff;
        let mut text = String::with_capacity(5);
        for _ in 0..5 {
            let letter = Self::STEAM.get(rest as usize % Self::STEAM.len()).copied();
            text.push(char::from(letter.unwrap_or_default()));
            rest /= 26;
        }
        Self(text)
    }

    /// Whether the code has six digits (the API's `SoftwareTokenMFAUserCodeType`), as Cognito requires.
    pub fn is_six_digits(&self) -> bool {
        self.0.len() == 6 && self.0.bytes().all(|byte| byte.is_ascii_digit())
    }

    /// The code. Never put it into a log, an error or a property.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code(..)")
    }
}

/// The length of a decimal code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Digits(u8);

impl Digits {
    /// Six, the usual number, and the only one that Cognito supports.
    pub const SIX: Self = Self(6);

    /// Eight, the longest number of RFC 6238.
    pub const EIGHT: Self = Self(8);

    /// 4 to 10 digits: RFC 4226 requires at least 6, CanoKey supports 4, and 31 bits are 10 digits.
    ///
    /// # Errors
    ///
    /// [`UnsupportedDigits`] for any other number.
    pub const fn new(digits: u8) -> Result<Self, UnsupportedDigits> {
        match digits {
            4..=10 => Ok(Self(digits)),
            digits => Err(UnsupportedDigits { digits }),
        }
    }

    /// The number of digits.
    pub const fn get(self) -> u8 {
        self.0
    }
}

/// A number of digits that no token supports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("codes of {digits} digits are not supported")]
pub struct UnsupportedDigits {
    digits: u8,
}

/// Dynamic truncation (RFC 4226 §5.3): 31 bits of a digest of 20 bytes or more; `None` for a shorter one.
pub fn truncate(digest: &[u8]) -> Option<u32> {
    if digest.len() < 20 {
        return None;
    }
    let offset = usize::from(digest.last()? & 0x0f);
    let (word, _) = digest.get(offset..)?.split_first_chunk::<4>()?;
    Some(u32::from_be_bytes(*word) & 0x7fff_ffff)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::otp::Algorithm;

    const SHA1_KEY: &[u8] = b"12345678901234567890";
    const SHA256_KEY: &[u8] = b"12345678901234567890123456789012";
    const SHA512_KEY: &[u8] = b"1234567890123456789012345678901234567890123456789012345678901234";

    fn code(algorithm: Algorithm, key: &[u8], factor: u64, digits: u8) -> String {
        let digest = algorithm.hmac(key, &factor.to_be_bytes());
        Code::decimal(truncate(&digest).unwrap(), Digits::new(digits).unwrap()).expose().to_owned()
    }

    /// RFC 4226 appendix D.
    #[test]
    fn hotp_vectors() {
        let expected = [
            "755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871",
            "520489",
        ];
        for (counter, expected) in (0..).zip(expected) {
            assert_eq!(code(Algorithm::Sha1, SHA1_KEY, counter, 6), expected);
        }
    }

    /// RFC 6238 appendix B.
    #[test]
    fn totp_vectors() {
        let vectors = [
            (59_u64, "94287082", "46119246", "90693936"),
            (1_111_111_109, "07081804", "68084774", "25091201"),
            (1_111_111_111, "14050471", "67062674", "99943326"),
            (1_234_567_890, "89005924", "91819424", "93441116"),
            (2_000_000_000, "69279037", "90698825", "38618901"),
            (20_000_000_000, "65353130", "77737706", "47863826"),
        ];
        for (time, sha1, sha256, sha512) in vectors {
            assert_eq!(code(Algorithm::Sha1, SHA1_KEY, time / 30, 8), sha1);
            assert_eq!(code(Algorithm::Sha256, SHA256_KEY, time / 30, 8), sha256);
            assert_eq!(code(Algorithm::Sha512, SHA512_KEY, time / 30, 8), sha512);
        }
    }

    #[test]
    fn codes_have_leading_zeros_and_do_not_overflow() {
        assert_eq!(Code::decimal(7, Digits::SIX).expose(), "000007");
        assert_eq!(Code::decimal(u32::MAX, Digits::new(10).unwrap()).expose(), "2147483647");
        assert!(Digits::new(3).is_err() && Digits::new(11).is_err());
    }

    #[test]
    fn a_received_code_has_the_digits_of_its_credential() {
        let code = |text: &[u8]| Code::received(text, Digits::SIX).map(|code| code.expose().to_owned());
        assert_eq!(code(b"000420").as_deref(), Some("000420"));
        for text in [&b"12345"[..], b"1234567", b"12345x", b"12345 ", b""] {
            assert_eq!(code(text), None);
        }
    }

    #[test]
    fn steam_letters() {
        assert_eq!(Code::steam(0).expose(), "22222");
        assert_eq!(Code::steam(25).expose(), "Y2222");
        assert_eq!(Code::steam(26).expose(), "23222");
    }

    #[test]
    fn a_short_digest_has_no_code() {
        assert_eq!(truncate(&[0xff; 19]), None);
        assert_eq!(truncate(&[]), None);
    }

    #[test]
    fn debug_output_does_not_contain_the_code() {
        assert_eq!(format!("{:?}", Code::decimal(123_456, Digits::SIX)), "Code(..)");
    }
}
