//! The commands of the application, with the bytes of the vendor's programs. They have no Le: the key sends what it has.
//! Their Lc is an extended one, except that of the state of the PIN.

use crate::iso7816::{Command, TooLong};

/// The class and the instruction of the application, and that of the serial number.
const CLASS: u8 = 0x80;
pub(super) const OTP: u8 = 0xc5;
const IDENTIFY: u8 = 0x33;

/// The first byte of the data of ENUM CODES.
const ONE: u8 = 0x01;
const ALL: u8 = 0x03;

/// The length of the state of the PIN. Some firmware truncates the shorter form of four bytes.
const STATE: u8 = 9;

/// The state of the PIN. The data have the length of the response.
pub(super) fn pin_flag() -> Result<Command, TooLong> {
    command(OTP, 0x05, 0x04, vec![0; STATE.into()])
}

/// The serial number, as text of at most 16 bytes.
pub(super) fn serial() -> Result<Command, TooLong> {
    let mut data = vec![0xd1, 0x10];
    data.resize(2 + 0x10, 0);
    extended(IDENTIFY, 0, 0, data)
}

/// The first page of all entries, with the codes for this Unix time in seconds.
pub(super) fn all_entries(time: u64) -> Result<Command, TooLong> {
    extended(OTP, 0x05, 0x00, [&[ALL][..], &time.to_be_bytes()].concat())
}

/// The next page.
pub(super) fn more_entries(time: u64) -> Result<Command, TooLong> {
    extended(OTP, 0x05, 0x01, time.to_be_bytes().to_vec())
}

/// One entry with its code. `name` is issuer and account, each of them with its length before it.
pub(super) fn one_entry(time: u64, name: &[u8]) -> Result<Command, TooLong> {
    extended(OTP, 0x05, 0x00, [&[ONE][..], &time.to_be_bytes(), name].concat())
}

fn extended(instruction: u8, p1: u8, p2: u8, data: Vec<u8>) -> Result<Command, TooLong> {
    Ok(command(instruction, p1, p2, data)?.extended())
}

fn command(instruction: u8, p1: u8, p2: u8, data: Vec<u8>) -> Result<Command, TooLong> {
    Ok(Command::new(instruction, p1, p2, data)?.of_class(CLASS).with_le(None))
}
