//! The application behind a smart card reader.

use super::super::Card;
use super::*;
use crate::device::{NoProgress, Transaction};

/// A card that answers each command by a script, in hexadecimal.
struct Scripted {
    responses: VecDeque<String>,
    sent: Vec<String>,
}

impl Scripted {
    fn new(responses: &[&str]) -> Self {
        Self {
            responses: responses.iter().map(|response| (*response).to_owned()).collect(),
            sent: Vec::new(),
        }
    }

    fn exchange(&mut self) -> Result<String, Error> {
        let response = Card::select(self)?.exchange(&serial(), Wait::None, &NoProgress)?;
        Ok(format!("{} {}", hex(&response.data), response.status))
    }
}

impl Transaction for Scripted {
    fn transmit(&mut self, command: &Command, _: &dyn Progress) -> Result<Response, device::Error> {
        self.sent.push(hex(&command.to_bytes()));
        let response = self.responses.pop_front().ok_or(device::Error::Removed)?;
        Ok(card_response(&bytes(&response)))
    }
}

#[test]
fn the_application_is_selected_by_its_name() {
    let mut card = Scripted::new(&["6104", "31303030 9000", "07 9000"]);
    assert_eq!(card.exchange().unwrap(), "07 9000");
    assert_eq!(card.sent[..2], ["00A4040008F00000014F74700100", "00C0000004"]);
    for status in ["6A82", "6999", "6D00", "6B00", "6A86", "6A81", "6E00"] {
        let mut card = Scripted::new(&[status]);
        assert_eq!(card.exchange(), Err(Error::NoApplication), "{status}");
        assert_eq!(card.sent.len(), 1);
    }
    for status in ["6F00", "6985"] {
        let result = Scripted::new(&[status]).exchange();
        assert!(matches!(result, Err(Error::NotSelected(_))), "{status} may pass: {result:?}");
    }
}

/// A card that answers 9000 to every name, and this to the rest.
struct Lenient(&'static str, Vec<u8>);

impl Transaction for Lenient {
    fn transmit(&mut self, command: &Command, _: &dyn Progress) -> Result<Response, device::Error> {
        self.1.push(command.instruction());
        let is_select = command.instruction() == 0xa4;
        Ok(card_response(&bytes(if is_select { "9000" } else { self.0 })))
    }
}

#[test]
fn a_card_that_accepts_every_name_is_no_token2_key() {
    let zeros = format!("{} 9000", "00".repeat(9));
    let zeros: &'static str = Box::leak(zeros.into_boxed_str());
    for answer in ["9000", "6D00", "6E00", "6982", "6983", "6985", "6A80", "6A82", "6F00", "3B00 9000", zeros]
    {
        let (clock, insertion, mut card) =
            (ManualClock::at(NOW), Insertion::default(), Lenient(answer, Vec::new()));
        let card = Card::select(&mut card).unwrap();
        let session = Session::begin(Box::new(card), &clock, &insertion);
        assert_eq!(session.err(), Some(Error::NoApplication), "{answer}");
    }
}

#[test]
fn a_serial_number_or_a_state_of_the_pin_proves_the_application() {
    for (answers, is_key) in [
        (&["9000", NO_PIN, "6D00", "9000", "6D00", "9000"][..], true),
        (&["9000", "6D00", SERIAL_RESPONSE], true),
        (&["9000", "6E00", "6E00", "6A81", SERIAL_RESPONSE, "9000"], true),
        (&["9000", "9000", "9000", "9000", SERIAL_RESPONSE, "9000"], true),
        (&["9000", "6D00", "6D00", "6A82", "6D00", "9000"], false),
        (&["9000", "6D00", "6D00", "6A82", "6D00", "6A82"], false),
    ] {
        let (clock, insertion, mut card) =
            (ManualClock::at(NOW), Insertion::default(), Scripted::new(answers));
        let card = Card::select(&mut card).unwrap();
        let session = Session::begin(Box::new(card), &clock, &insertion);
        assert_eq!(session.err(), if is_key { None } else { Some(Error::NoApplication) }, "{answers:?}");
    }
}

#[test]
fn a_long_response_is_fetched_whole() {
    let mut card = Scripted::new(&["9000", "01 61FF", "02 6101", "03 9000"]);
    assert_eq!(card.exchange().unwrap(), "010203 9000");
    assert_eq!(card.sent[2..], ["00C00000FF", "00C0000001"]);
    for rest in ["6A86", "6F00"] {
        let mut card = Scripted::new(&["9000", "01 61FF", rest]);
        assert!(matches!(card.exchange(), Err(Error::Malformed(_))), "{rest}");
    }
    let endless = [&["9000"][..], &["01 61FF"; 100]].concat();
    let mut card = Scripted::new(&endless);
    assert!(matches!(card.exchange(), Err(Error::Malformed(_))));
    assert!(card.sent.len() < 70);
    let page = "01".repeat(60_000) + "61FF";
    assert!(matches!(Scripted::new(&["9000", &page]).exchange(), Err(Error::Malformed(_))));
}

#[test]
fn a_card_may_ask_for_another_le_once() {
    let mut card = Scripted::new(&["9000", "6C0E", "07 9000"]);
    assert_eq!(card.exchange().unwrap(), "07 9000");
    assert_eq!(card.sent[2], format!("{}000E", card.sent[1]));
    let mut card = Scripted::new(&["9000", "6C0E", "6C0E", "07 9000"]);
    assert_eq!(card.exchange().unwrap(), " 6C0E");
}

#[test]
fn an_old_card_has_its_serial_number_in_its_fido_application() {
    let mut card = Scripted::new(&["9000", "6D00", "6A81", SERIAL_RESPONSE, "9000"]);
    let read = Card::select(&mut card).unwrap().read_serial(&serial(), &NoProgress).unwrap();
    assert_eq!(read.data, bytes(SERIAL_RESPONSE)[..14]);
    let select = "00A4040008F00000014F74700100";
    assert_eq!(card.sent[2], "00A4040008A0000006472F000100");
    assert_eq!((card.sent[0].as_str(), card.sent[4].as_str()), (select, select));
    let mut card = Scripted::new(&["9000", "6D00", "6A81", SERIAL_RESPONSE, "6A82"]);
    let read = Card::select(&mut card).unwrap().read_serial(&serial(), &NoProgress);
    assert!(matches!(read, Err(Error::Malformed(_))), "the application must be selected again");
}

#[test]
fn a_card_that_is_pulled_out_is_removed() {
    assert_eq!(Scripted::new(&["9000"]).exchange(), Err(Error::Device(device::Error::Removed)));
}
