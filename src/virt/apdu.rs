//! Parsing of command APDUs, short and extended, from arbitrary bytes (ISO/IEC 7816-4 §5.1).

use crate::iso7816::{Status, status};

/// A command APDU, borrowed from its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Request<'a> {
    pub(super) class: u8,
    pub(super) instruction: u8,
    pub(super) p1: u8,
    pub(super) p2: u8,
    pub(super) data: &'a [u8],
    /// The maximum length of the response data, 1 to 65,536 bytes; 256 if the command does not contain it.
    pub(super) expected: usize,
    /// Whether the length of the data has three bytes.
    pub(super) is_extended: bool,
}

/// Parses a command APDU; the error is the token's response.
pub(super) fn read(bytes: &[u8]) -> Result<Request<'_>, Status> {
    let (header, body) = bytes.split_first_chunk::<4>().ok_or(status::WRONG_LENGTH)?;
    let [class, instruction, p1, p2] = *header;
    let is_extended = matches!(body, [0, _, _, _, ..]);
    let (data, expected) = match body {
        [] => (body, 256),
        [le] => (&[][..], short_length(*le)),
        [0, high, low] => (&[][..], extended_length([*high, *low])),
        [0, high, low, rest @ ..] => extended(usize::from(u16::from_be_bytes([*high, *low])), rest)?,
        [lc, rest @ ..] => short(usize::from(*lc), rest)?,
    };
    Ok(Request { class, instruction, p1, p2, data, expected, is_extended })
}

fn short(lc: usize, rest: &[u8]) -> Result<(&[u8], usize), Status> {
    match rest.split_at_checked(lc) {
        Some((data, [])) if lc > 0 => Ok((data, 256)),
        Some((data, [le])) if lc > 0 => Ok((data, short_length(*le))),
        _ => Err(status::WRONG_LENGTH),
    }
}

fn extended(lc: usize, rest: &[u8]) -> Result<(&[u8], usize), Status> {
    match rest.split_at_checked(lc) {
        Some((data, [])) if lc > 0 => Ok((data, 256)),
        Some((data, [high, low])) if lc > 0 => Ok((data, extended_length([*high, *low]))),
        _ => Err(status::WRONG_LENGTH),
    }
}

fn short_length(le: u8) -> usize {
    if le == 0 { 256 } else { usize::from(le) }
}

fn extended_length(le: [u8; 2]) -> usize {
    match u16::from_be_bytes(le) {
        0 => 65_536,
        le => usize::from(le),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(bytes: &[u8]) -> Result<(&[u8], usize), Status> {
        read(bytes).map(|request| (request.data, request.expected))
    }

    #[test]
    fn every_case_of_the_standard_is_parsed() {
        assert_eq!(parts(&[0, 1, 2, 3]), Ok((&[][..], 256)));
        assert_eq!(parts(&[0, 1, 2, 3, 0]), Ok((&[][..], 256)));
        assert_eq!(parts(&[0, 1, 2, 3, 9]), Ok((&[][..], 9)));
        assert_eq!(parts(&[0, 1, 2, 3, 2, 7, 8]), Ok((&[7, 8][..], 256)));
        assert_eq!(parts(&[0, 1, 2, 3, 2, 7, 8, 5]), Ok((&[7, 8][..], 5)));
        assert_eq!(parts(&[0, 1, 2, 3, 0, 1, 0]), Ok((&[][..], 256)));
        assert_eq!(parts(&[0, 1, 2, 3, 0, 0, 0]), Ok((&[][..], 65_536)));
        assert_eq!(parts(&[0, 1, 2, 3, 0, 0, 2, 7, 8]), Ok((&[7, 8][..], 256)));
        assert_eq!(parts(&[0, 1, 2, 3, 0, 0, 2, 7, 8, 0, 0]), Ok((&[7, 8][..], 65_536)));
    }

    #[test]
    fn a_wrong_length_is_refused() {
        for bytes in [&[][..], &[0, 1, 2], &[0, 1, 2, 3, 2, 7], &[0, 1, 2, 3, 1, 7, 8, 9], &[0; 8]] {
            assert_eq!(parts(bytes), Err(status::WRONG_LENGTH), "{bytes:02x?}");
        }
        assert_eq!(parts(&[0, 1, 2, 3, 0, 0, 2, 7, 8, 9]), Err(status::WRONG_LENGTH));
    }
}
