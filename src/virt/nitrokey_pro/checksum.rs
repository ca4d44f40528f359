//! CRC-32 of reports, from a table.

/// The remainders of the four upper bits (polynomial 0x04c11db7).
const STEPS: [u32; 16] = [
    0x0000_0000,
    0x04c1_1db7,
    0x0982_3b6e,
    0x0d43_26d9,
    0x1304_76dc,
    0x17c5_6b6b,
    0x1a86_4db2,
    0x1e47_5005,
    0x2608_edb8,
    0x22c9_f00f,
    0x2f8a_d6d6,
    0x2b4b_cb61,
    0x350c_9b64,
    0x31cd_86d3,
    0x3c8e_a00a,
    0x384f_bdbd,
];

/// The checksum of these bytes, in groups of four bytes of which the last one comes first.
pub(super) fn crc(bytes: &[u8]) -> u32 {
    let ordered = bytes.chunks_exact(4).flat_map(|group| group.iter().rev());
    let nibbles = ordered.flat_map(|byte| [byte >> 4, byte & 0x0f]);
    nibbles.fold(u32::MAX, |sum, nibble| {
        let place = ((sum >> 28) as usize) ^ usize::from(nibble);
        (sum << 4) ^ STEPS.get(place).copied().unwrap_or_default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// CRC-32/MPEG-2 of "12345678", whose bytes are in the order of big-endian words.
    #[test]
    fn the_checksum_is_that_of_the_microcontroller() {
        assert_eq!(crc(b"43218765"), 0x49e3_c2fb);
    }
}
