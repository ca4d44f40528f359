//! Response APDUs and status words (ISO/IEC 7816-4 §5.6).

use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

/// The two bytes of a response that state the outcome of a command.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Zeroize)]
pub struct Status(pub u16);

impl Status {
    /// Success.
    pub const OK: Self = Self(0x9000);

    /// `61xx`: success, with more data to fetch. The count in `xx` is not reliable.
    pub fn more_data(self) -> bool {
        self.0 >> 8 == 0x61
    }

    /// `6Cxx`: Le is wrong, and the right one is `xx`. Only cards with the protocol T=0 send it.
    pub fn wrong_le(self) -> bool {
        self.0 >> 8 == 0x6c
    }

    /// The `xx` of a status word such as `61xx`.
    pub fn low_byte(self) -> u8 {
        self.0.to_be_bytes()[1]
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04X}", self.0)
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Status({:04X})", self.0)
    }
}

/// The response of a card: data, possibly a secret, and the status word.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Response {
    /// The data without the status word, 0 to 65,536 bytes.
    pub data: Vec<u8>,
    /// The status word.
    pub status: Status,
}

impl Response {
    /// Splits the bytes from PC/SC: data, then the status word.
    ///
    /// # Errors
    ///
    /// [`Truncated`] for fewer than two bytes, which a reader returns if its card is pulled out.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Truncated> {
        let (data, status) = bytes.split_last_chunk::<2>().ok_or(Truncated)?;
        Ok(Self { data: data.to_vec(), status: Status(u16::from_be_bytes(*status)) })
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Response({} bytes, {})", self.data.len(), self.status)
    }
}

/// A response without a status word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the response has no status word")]
pub struct Truncated;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_is_split_or_refused() {
        assert_eq!(Response::from_bytes(&[]), Err(Truncated));
        assert_eq!(Response::from_bytes(&[0x90]), Err(Truncated));
        let bare = Response::from_bytes(&[0x6a, 0x82]).unwrap();
        assert_eq!((bare.data.len(), bare.status), (0, Status(0x6a82)));
        let long = Response::from_bytes(&[vec![7; 65_536], vec![0x90, 0x00]].concat()).unwrap();
        assert_eq!((long.data.len(), long.status), (65_536, Status::OK));
    }

    #[test]
    fn only_61_means_more() {
        assert!(Status(0x61ff).more_data() && Status(0x6100).more_data());
        assert!(!Status(0x9000).more_data() && !Status(0x6282).more_data());
    }

    #[test]
    fn only_6c_means_another_le() {
        assert!(Status(0x6c00).wrong_le() && Status(0x6cff).wrong_le() && !Status(0x6700).wrong_le());
        assert_eq!([Status(0x6c1f), Status(0x6100)].map(Status::low_byte), [0x1f, 0x00]);
    }
}
