//! The checksum of reports: CRC-32 as STM32 microcontrollers compute it, over words of 32 bits (ST, RM0008, chapter 4).

/// The polynomial of CRC-32, most significant bit first.
const POLYNOMIAL: u32 = 0x04c1_1db7;

/// The checksum of these bytes, as little-endian words. Bytes after the last whole word do not count.
pub(super) fn checksum(bytes: &[u8]) -> u32 {
    bytes.as_chunks::<4>().0.iter().fold(u32::MAX, |sum, word| {
        (0..32).fold(sum ^ u32::from_le_bytes(*word), |sum, _| {
            if sum >> 31 == 1 { (sum << 1) ^ POLYNOMIAL } else { sum << 1 }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// CRC-32/MPEG-2 of "1234" and of "12345678", whose bytes are in the order of big-endian words.
    #[test]
    fn the_words_are_little_endian() {
        assert_eq!(checksum(b"4321"), 0xa695_c4aa);
        assert_eq!(checksum(b"43218765"), 0x49e3_c2fb);
        assert_eq!(checksum(b"43218765 "), 0x49e3_c2fb, "the rest of a word does not count");
    }
}
