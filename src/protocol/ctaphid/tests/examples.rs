//! Published and measured frames.

use super::super::frame::{Frame, MAX_MESSAGE, Packet};
use super::*;
use crate::iso7816::Aid;

fn padded(hex: &str) -> Vec<u8> {
    let mut report = bytes(hex);
    report.resize(REPORT, 0);
    report
}

#[test]
fn select_and_calculate_are_the_documented_frames() {
    let mut key = Fake::new(|_, _| secrets("9000"));
    key.exchange(&Aid::OATH.select(), &Person::default()).unwrap();
    key.exchange(&calculate(), &Person::default()).unwrap();
    let select = padded("01020304 F0 000C 00A4040007A0000005272101");
    let calculate = padded("01020304 F0 001A 00A2000115 71094157533A616C696365 74080000000000000001");
    assert_eq!(key.sent, [select, calculate]);
}

#[test]
fn without_data_there_is_neither_lc_nor_le() {
    let mut key = Fake::new(|_, _| secrets("9000"));
    key.exchange(&list(), &Person::default()).unwrap();
    assert_eq!(key.sent, [padded("01020304 F0 0004 00A10000")]);
}

#[test]
fn the_status_word_comes_first() {
    let mut key = Fake::new(|_, _| secrets("9000 76 05 08 41397EEA"));
    assert_eq!(key.exchange(&calculate(), &Person::default()).unwrap(), "76050841397EEA 9000");
    let mut key = Fake::new(|_, _| secrets("61FF 72"));
    assert_eq!(key.exchange(&list(), &Person::default()).unwrap(), "72 61FF");
}

#[test]
fn messages_of_every_length_are_cut_and_joined() {
    for length in [2, 56, 57, 58, 57 + 59, 57 + 59 + 1, 3_002, MAX_MESSAGE] {
        let body: Vec<u8> = (0..length).map(|place| u8::try_from(place % 251).unwrap()).collect();
        let mut key = Fake::new(|_, _| message(CHANNEL, command::SECRETS, &body));
        let response = key.exchange(&list(), &Person::default()).unwrap();
        assert_eq!(response, format!("{} 0001", HEXUPPER.encode(&body[2..])), "{length} bytes");
    }
}

#[test]
fn a_long_command_has_several_reports() {
    let data: Vec<u8> = (0..=254).collect();
    let command = Command::new(0x01, 0, 0, data.clone()).unwrap();
    let mut key = Fake::new(|_, _| Vec::new());
    let _ = key.exchange(&command, &Person::default());
    let sent: Vec<_> = key.sent.iter().map(|report| report.as_slice().try_into().unwrap()).collect();
    let Frame { packet: Packet::First { length, data: first, .. }, .. } = Frame::parse(sent[0]) else {
        panic!("not the first one")
    };
    assert_eq!(length, 5 + data.len());
    let mut joined = first.to_vec();
    for (place, report) in sent[1..5].iter().enumerate() {
        let Frame { packet: Packet::Next { number, data }, .. } = Frame::parse(report) else {
            panic!("not a later one")
        };
        assert_eq!(usize::from(number), place);
        joined.extend(data);
    }
    assert_eq!(joined[..length], [&[0, 1, 0, 0, 255][..], &data].concat());
}
