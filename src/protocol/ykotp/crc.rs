//! The checksum of frames and responses: CRC-16 of ISO/IEC 13239, without its final inversion.

use crc::{CRC_16_MCRF4XX, Crc};

/// The checksum over a response and its own, inverted checksum.
pub(super) const RESIDUAL: u16 = 0xf0b8;

static ALGORITHM: Crc<u16> = Crc::<u16>::new(&CRC_16_MCRF4XX);

/// The checksum of these bytes.
pub(super) fn checksum(bytes: &[u8]) -> u16 {
    ALGORITHM.checksum(bytes)
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
