//! The `yubikey` crate accepts the virtual token as a YubiKey, through a real pcscd.

use std::process::Command;

use oathbridge::virt::{self, VirtualToken};
use testkit::own_process;
use testkit::pcscd::PrivatePcscd;

#[test]
fn the_crate_reads_serial_and_firmware() {
    let card =
        VirtualToken::new(&virt::parse("[[token]]\nserial = 31415926\nfirmware = '5.7.1'").unwrap()[0]);
    let mut pcscd = PrivatePcscd::start(1).unwrap();
    pcscd.insert(0, &card).unwrap();
    // The variable must be set at the start of a process, so the other half is a separate process.
    let mut program = Command::new(std::env::current_exe().unwrap());
    program.env("PCSCLITE_CSOCK_NAME", pcscd.socket());
    own_process::run_with(&mut program, "yubikey_crate::other_half").unwrap();
    assert_eq!((card.count(0xfd), card.count(0xf8)), (1, 1), "the other half sent commands");
}

#[test]
#[ignore = "run by the_crate_reads_serial_and_firmware, with a pcscd of its own"]
fn other_half() {
    let yubikey = yubikey::YubiKey::open().unwrap();
    assert_eq!(yubikey.serial().to_string(), "31415926");
    assert_eq!(yubikey.version().to_string(), "5.7.1");
}
