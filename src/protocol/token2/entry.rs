//! The entries in a response.

use super::error::malformed;
use crate::oath::{Algorithm, Credential, CredentialName, Error, Kind, Touch};
use crate::otp::{Code, Digits, Period};
use crate::text::escape;

/// The first bit of a page: another page follows. The other bits are the type of its first entry.
const MORE: u8 = 0x80;

/// An entry, and its code if the response has it.
pub(super) struct Entry {
    pub(super) credential: Credential,
    pub(super) code: Option<Code>,
}

/// A page of entries.
pub(super) struct Page {
    pub(super) entries: Vec<Entry>,
    pub(super) has_more: bool,
}

/// The entries that have a code.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Codes {
    /// Those that need neither a touch nor a counter.
    Free,
    /// All of them.
    All,
}

impl Page {
    /// Parses a response of ENUM CODES.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] for an entry that is truncated, or of a type or an algorithm that is not known: its length is
    /// then unknown as well, and the list would be incomplete.
    pub(super) fn parse(data: &[u8], codes: Codes) -> Result<Self, Error> {
        let has_more = data.first().is_some_and(|first| first & MORE != 0);
        let mut reader = Reader(data);
        let mut entries = Vec::new();
        while !reader.0.is_empty() {
            let mask = if entries.is_empty() { !MORE } else { u8::MAX };
            entries.push(entry(&mut reader, mask, codes)?);
        }
        Ok(Self { entries, has_more })
    }
}

fn entry(reader: &mut Reader<'_>, mask: u8, codes: Codes) -> Result<Entry, Error> {
    let [kind, algorithm, period_high, period_low, digits, button] = reader.array()?;
    let (issuer, account) = (reader.text()?, reader.text()?);
    let kind = match kind & mask {
        0x00 => Kind::Hotp,
        0x01 => Kind::Totp,
        _ => return Err(malformed("an entry has an unknown type")),
    };
    let algorithm = match algorithm {
        0xc1 => Algorithm::Sha1,
        0xc2 => Algorithm::Sha256,
        _ => return Err(malformed("an entry has an unknown algorithm")),
    };
    let digits = Digits::new(digits).map_err(|_| malformed("an entry has an impossible number of digits"))?;
    let seconds = u16::from_be_bytes([period_high, period_low]);
    let period = match kind {
        Kind::Hotp => Period::DEFAULT,
        _ => Period::new(seconds.into()).map_err(|_| malformed("an entry has a period of 0 seconds"))?,
    };
    let touch = if button == 0 { Touch::No } else { Touch::Yes };
    let has_code = codes == Codes::All || (kind == Kind::Totp && touch == Touch::No);
    let code = if has_code { Some(code(reader.text()?, digits)?) } else { None };
    let name = CredentialName {
        bytes: name(issuer, account),
        issuer: shown(issuer),
        account: shown(account),
        period,
    };
    let credential =
        Credential { name, kind, algorithm, digits, digits_known: true, touch, is_pin_protected: false };
    Ok(Entry { credential, code })
}

fn code(text: &[u8], digits: Digits) -> Result<Code, Error> {
    Code::received(text, digits).ok_or_else(|| malformed("a code has not the digits of its entry"))
}

/// Issuer and account, each of them with its length before it. They have at most 255 bytes, because they were received like
/// that.
fn name(issuer: &[u8], account: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(2 + issuer.len() + account.len());
    for part in [issuer, account] {
        bytes.extend(u8::try_from(part.len()));
        bytes.extend(part);
    }
    bytes
}

fn shown(text: &[u8]) -> String {
    escape(&String::from_utf8_lossy(text))
}

/// The rest of a response.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let (array, rest) = self.0.split_first_chunk::<N>().ok_or_else(truncated)?;
        self.0 = rest;
        Ok(*array)
    }

    /// A text with its length before it.
    fn text(&mut self) -> Result<&'a [u8], Error> {
        let [length] = self.array()?;
        let (text, rest) = self.0.split_at_checked(length.into()).ok_or_else(truncated)?;
        self.0 = rest;
        Ok(text)
    }
}

fn truncated() -> Error {
    malformed("an entry of the list is truncated")
}
