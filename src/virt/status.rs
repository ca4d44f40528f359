//! The status words of the virtual token (ISO/IEC 7816-4 §5.6, Yubico's OATH protocol).

use crate::iso7816::Status;

pub(super) const WRONG_LENGTH: Status = Status(0x6700);
pub(super) const SECURITY_STATUS_NOT_SATISFIED: Status = Status(0x6982);
pub(super) const DATA_INVALID: Status = Status(0x6984);
pub(super) const WRONG_DATA: Status = Status(0x6a80);
pub(super) const APPLICATION_NOT_FOUND: Status = Status(0x6a82);
pub(super) const NO_SPACE: Status = Status(0x6a84);
pub(super) const WRONG_P1_P2: Status = Status(0x6b00);
pub(super) const INSTRUCTION_NOT_SUPPORTED: Status = Status(0x6d00);
pub(super) const CLASS_NOT_SUPPORTED: Status = Status(0x6e00);

/// `61xx`: there is more data to fetch; `xx` is its length, FF for 255 bytes or more.
pub(super) fn more_data(remaining: usize) -> Status {
    Status(0x6100 | u16::try_from(remaining).unwrap_or(u16::MAX).min(0xff))
}
