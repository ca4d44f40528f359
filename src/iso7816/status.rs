//! Status words by name (ISO/IEC 7816-4 §5.6, JavaCard, Yubico's OATH protocol).

use super::Status;

/// The proof or the PIN is wrong.
pub const VERIFICATION_FAILED: Status = Status(0x6300);
/// The length field does not fit the data.
pub const WRONG_LENGTH: Status = Status(0x6700);
/// The application is locked.
pub const SECURITY_STATUS_NOT_SATISFIED: Status = Status(0x6982);
/// Authentication is blocked; for PUT on a Nitrokey: the name exists.
pub const BLOCKED: Status = Status(0x6983);
/// No such object; for VALIDATE: no password is set.
pub const DATA_INVALID: Status = Status(0x6984);
/// The command makes no sense now.
pub const CONDITIONS_NOT_SATISFIED: Status = Status(0x6985);
/// JavaCard: the application refused to be selected.
pub const SELECT_FAILED: Status = Status(0x6999);
/// The data makes no sense.
pub const WRONG_DATA: Status = Status(0x6a80);
/// The function is not supported.
pub const FUNCTION_NOT_SUPPORTED: Status = Status(0x6a81);
/// No such application or file.
pub const NOT_FOUND: Status = Status(0x6a82);
/// Token2: there is no such entry, or none at all.
pub const NO_RECORD: Status = Status(0x6a83);
/// There is no room left.
pub const NO_SPACE: Status = Status(0x6a84);
/// P1 or P2 are wrong for this command.
pub const INCORRECT_P1_P2: Status = Status(0x6a86);
/// As [`INCORRECT_P1_P2`], without further information.
pub const WRONG_P1_P2: Status = Status(0x6b00);
/// The application has no such instruction.
pub const INSTRUCTION_NOT_SUPPORTED: Status = Status(0x6d00);
/// The application has no such class.
pub const CLASS_NOT_SUPPORTED: Status = Status(0x6e00);

/// Token2: the key was not touched in time.
pub const TOUCH_TIMED_OUT: Status = Status(0x6ff9);
/// Token2: the parameters of the command are wrong.
pub const WRONG_PARAMETERS: Status = Status(0x6af8);

/// `61xx`: there is more data to fetch; `xx` is its length, FF for 255 bytes or more.
pub fn more_data(remaining: usize) -> Status {
    Status(0x6100 | u16::try_from(remaining).unwrap_or(u16::MAX).min(0xff))
}
