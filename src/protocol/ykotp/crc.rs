//! The checksum of frames and responses: CRC-16 of ISO/IEC 13239, without its final inversion.

/// The checksum over a response and its own, inverted checksum.
pub(super) const RESIDUAL: u16 = 0xf0b8;

/// The reflected polynomial x¹⁶ + x¹² + x⁵ + 1.
const POLYNOMIAL: u16 = 0x8408;

/// The checksum of these bytes.
pub(super) fn checksum(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xffff, |sum, byte| {
        (0..8).fold(
            sum ^ u16::from(*byte),
            |sum, _| {
                if sum & 1 == 1 { (sum >> 1) ^ POLYNOMIAL } else { sum >> 1 }
            },
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check value of CRC-16/X-25, which is the inverse of this checksum.
    #[test]
    fn the_check_value_of_the_standard() {
        assert_eq!(!checksum(b"123456789"), 0x906e);
        assert_eq!(checksum(&[0; 64]), 0x5b6b);
    }

    #[test]
    fn a_response_with_its_inverted_checksum_leaves_the_residual() {
        let mut response = 7_050_602_u32.to_be_bytes().to_vec();
        response.extend((!checksum(&response)).to_le_bytes());
        assert_eq!(response, [0x00, 0x6b, 0x95, 0x6a, 0x8c, 0x7b]);
        assert_eq!(checksum(&response), RESIDUAL);
    }
}
