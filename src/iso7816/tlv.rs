//! Tag-length-value elements with BER lengths (ISO/IEC 7816-4 §5.2.2) and one-byte tags.

use zeroize::Zeroizing;

/// One element, borrowed from the parsed bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Tlv<'a> {
    /// The tag byte.
    pub tag: u8,
    /// The value, of any length.
    pub value: &'a [u8],
}

/// Reads elements until the bytes end.
///
/// Each item is an element. A malformed element gives one [`Malformed`], and then the iterator ends.
pub fn read(bytes: &[u8]) -> Reader<'_> {
    Reader { rest: bytes }
}

/// See [`read`].
#[derive(Clone)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Reader<'a> {
    type Item = Result<Tlv<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let Some((tlv, rest)) = split_first(self.rest) else {
            self.rest = &[];
            return Some(Err(Malformed));
        };
        self.rest = rest;
        Some(Ok(tlv))
    }
}

/// The first element and the bytes after it; `None` if there is no element or it is truncated.
pub fn split_first(bytes: &[u8]) -> Option<(Tlv<'_>, &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0x00..=0x7f => (usize::from(first), rest),
        0x81 => {
            let (&length, rest) = rest.split_first()?;
            (usize::from(length), rest)
        }
        0x82 => {
            let (length, rest) = rest.split_first_chunk::<2>()?;
            (usize::from(u16::from_be_bytes(*length)), rest)
        }
        _ => return None,
    };
    let (value, rest) = rest.split_at_checked(length)?;
    Some((Tlv { tag, value }, rest))
}

/// Appends one element. The buffer wipes itself, because values may be secrets.
///
/// Values of more than 65,535 bytes are not supported; no APDU can hold one, and `Command::new` refuses it.
pub fn write(buffer: &mut Zeroizing<Vec<u8>>, tag: u8, value: &[u8]) {
    // Growing the buffer later would leave an unwiped copy in memory.
    buffer.reserve_exact(4 + value.len());
    buffer.push(tag);
    match u16::try_from(value.len()).unwrap_or(u16::MAX).to_be_bytes() {
        [0, length @ 0x00..=0x7f] => buffer.push(length),
        [0, length] => buffer.extend([0x81, length]),
        [high, low] => buffer.extend([0x82, high, low]),
    }
    buffer.extend_from_slice(value);
}

/// A length that exceeds the bytes, or an unsupported form of length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a TLV element is truncated")]
pub struct Malformed;

#[cfg(test)]
mod tests {
    use super::*;

    fn all(bytes: &[u8]) -> Vec<Result<(u8, usize), Malformed>> {
        read(bytes).map(|tlv| tlv.map(|tlv| (tlv.tag, tlv.value.len()))).collect()
    }

    #[test]
    fn every_form_of_length_is_written_and_read() {
        for length in [0, 1, 127, 128, 255, 256, 65_535] {
            let mut buffer = Zeroizing::new(Vec::new());
            write(&mut buffer, 0x71, &vec![0xab; length]);
            write(&mut buffer, 0x77, &[]);
            assert_eq!(all(&buffer), [Ok((0x71, length)), Ok((0x77, 0))]);
        }
    }

    #[test]
    fn a_truncated_element_is_reported_once() {
        for bytes in [
            &[0x71][..],
            &[0x71, 0x02, 0x00],
            &[0x71, 0x81],
            &[0x71, 0x82, 0x00],
            &[0x71, 0x80],
            &[0x71, 0x84, 0, 0, 0, 1, 9],
        ] {
            assert_eq!(all(bytes), [Err(Malformed)], "{bytes:02x?}");
        }
        assert_eq!(all(&[0x71, 0x01, 0x00, 0x72]), [Ok((0x71, 1)), Err(Malformed)]);
    }

    #[test]
    fn arbitrary_bytes_do_not_panic() {
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        for _ in 0..20_000 {
            let mut bytes = Vec::new();
            for _ in 0..(state % 40) {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                bytes.extend(state.to_be_bytes().first().copied());
            }
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            assert!(read(&bytes).count() <= bytes.len());
        }
    }
}
