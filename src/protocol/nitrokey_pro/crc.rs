//! The checksum of reports: CRC-32 as STM32 microcontrollers compute it, over words of 32 bits (ST, RM0008, chapter 4).

use crc::{CRC_32_MPEG_2, Crc};

static ALGORITHM: Crc<u32> = Crc::<u32>::new(&CRC_32_MPEG_2);

/// The checksum of these bytes, as little-endian words. Bytes after the last whole word do not count.
pub(super) fn checksum(bytes: &[u8]) -> u32 {
    let mut sum = ALGORITHM.digest();
    for word in bytes.as_chunks::<4>().0 {
        // The algorithm takes the most significant byte first.
        sum.update(&u32::from_le_bytes(*word).to_be_bytes());
    }
    sum.finalize()
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
