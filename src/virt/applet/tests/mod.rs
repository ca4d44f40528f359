use data_encoding::HEXUPPER_PERMISSIVE;
use pbkdf2::pbkdf2_hmac;
use sha1::Sha1;

use super::*;
use crate::otp::{Algorithm, Code, Digits};
use crate::virt::parse;

mod any_bytes;
mod examples;
mod identity;
mod oath;
mod pin;
mod token2;

const SELECT_OATH: &str = "00 A4 04 00 07 A0 00 00 05 27 21 01";
const ALICE: &str = "71 09 4157533A616C696365";
const SHA1_KEY: &str = "3132333435363738393031323334353637383930";

fn applet(token: &str) -> Applet {
    Applet::new(&parse(&format!("[[token]]\nserial = 12345678\n{token}")).unwrap()[0])
}

/// An unlocked applet with OATH selected.
fn oath(token: &str) -> Applet {
    let mut applet = applet(token);
    ok(&mut applet, SELECT_OATH);
    applet
}

fn hex(text: &str) -> Vec<u8> {
    let digits: String = text.split_whitespace().collect();
    HEXUPPER_PERMISSIVE.decode(digits.as_bytes()).unwrap()
}

fn send(applet: &mut Applet, command: &str) -> Response {
    match applet.respond(&hex(command)) {
        Outcome::Answer(response) => response,
        Outcome::Touch(_) => panic!("{command} requires a touch"),
    }
}

fn ok(applet: &mut Applet, command: &str) -> Vec<u8> {
    let response = send(applet, command);
    assert_eq!(response.status, Status::OK, "{command}");
    response.data.clone()
}

fn refused(applet: &mut Applet, command: &str) -> u16 {
    let response = send(applet, command);
    assert!(response.data.is_empty(), "{command}");
    response.status.0
}

fn touch(applet: &mut Applet, command: &str) -> Pending {
    match applet.respond(&hex(command)) {
        Outcome::Touch(pending) => pending,
        Outcome::Answer(response) => panic!("{command} answers {response:?}"),
    }
}

/// A command with data and the computed Lc.
fn with_data(header: &str, data: &str) -> String {
    format!("{header} {:02X} {data}", hex(data).len())
}

fn put(key: &str) -> String {
    with_data("00 01 00 00", &format!("{ALICE} {key}"))
}

fn calculate(name: &str, challenge: &str) -> String {
    with_data("00 A2 00 01", &format!("{name} {challenge}"))
}

fn decimal(answer: &[u8]) -> String {
    let [0x76, 0x05, digits, word @ ..] = answer else { panic!("{answer:02x?}") };
    let word = u32::from_be_bytes(word.try_into().unwrap());
    Code::decimal(word, Digits::new(*digits).unwrap()).expose().to_owned()
}
