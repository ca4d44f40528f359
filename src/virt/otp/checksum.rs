//! CRC-16 of frames and responses, from a table as keys have it.

/// The checksum after one byte, by the lower four bits (reflected polynomial 0x8408).
const STEPS: [u16; 16] = [
    0x0000, 0x1081, 0x2102, 0x3183, 0x4204, 0x5285, 0x6306, 0x7387, 0x8408, 0x9489, 0xa50a, 0xb58b, 0xc60c,
    0xd68d, 0xe70e, 0xf78f,
];

/// The checksum of these bytes, from the initial value 0xffff.
pub(super) fn crc(bytes: &[u8]) -> u16 {
    let nibbles = bytes.iter().flat_map(|byte| [byte & 0x0f, byte >> 4]);
    nibbles.fold(0xffff, |sum, nibble| {
        let place = usize::from((sum ^ u16::from(nibble)) & 0x0f);
        (sum >> 4) ^ STEPS.get(place).copied().unwrap_or_default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check value of CRC-16/X-25, which is the inverse of this checksum.
    #[test]
    fn the_checksum_is_that_of_the_standard() {
        assert_eq!(!crc(b"123456789"), 0x906e);
    }
}
