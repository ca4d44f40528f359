//! The configured slots as credentials.

use super::{Fake, flags, idle, pieces};
use crate::device::NoProgress;
use crate::oath::{Error, Kind, MovingFactor, OathSession, Touch};
use crate::otp::{Digits, Period, Step};
use crate::protocol::ykotp::{Keyboard, Session, Slot, SlotNumber};

fn slot(number: SlotNumber, account: &str) -> Slot {
    let digits = Digits::new(8).unwrap();
    Slot {
        number,
        issuer: "Example".to_owned(),
        account: account.to_owned(),
        digits,
        period: Period::DEFAULT,
    }
}

#[test]
fn slots_are_listed_from_the_status_alone() {
    // No slot is set up, or both are triggered by a touch: neither refuses a configured slot.
    for state in [0x00, 0x0f] {
        let mut fake = Fake::new(move |_, _| vec![0, 5, 4, 3, 1, state, 0, 0]);
        let clock = fake.clock.clone();
        let slots = vec![slot(SlotNumber::One, "alice"), slot(SlotNumber::Two, "bob")];
        let mut session = Session::begin(Keyboard::new(&mut fake, &*clock), 7, slots).unwrap();
        let description = session.description();
        assert_eq!((description.version, description.serial.as_deref()), (Some([5, 4, 3]), Some("7")));
        assert_eq!(description.max_key, Some(20));
        let listed = session.list().unwrap();
        assert!(listed.iter().all(|one| (one.kind, one.touch) == (Kind::Totp, Touch::Unknown)));
        let accounts: Vec<_> = listed.iter().map(|one| one.name.account.as_str()).collect();
        assert_eq!(accounts, ["alice", "bob"]);
        drop(session);
        assert!(fake.sent.is_empty());
    }
}

#[test]
fn another_name_of_a_slot_keeps_its_identity() {
    let mut names = Vec::new();
    for account in ["alice", "carol"] {
        let mut fake = Fake::new(|_, _| idle());
        let clock = fake.clock.clone();
        let keyboard = Keyboard::new(&mut fake, &*clock);
        let mut session = Session::begin(keyboard, 7, vec![slot(SlotNumber::Two, account)]).unwrap();
        names.push(session.list().unwrap()[0].name.bytes.clone());
    }
    assert_eq!(names[0], names[1]);
}

/// RFC 6238, appendix B: the first vector, by a key that knows its digest only.
#[test]
fn a_code_has_the_digits_of_the_configuration() {
    const DIGEST: [&str; 4] =
        ["75A48A19D4CBE140", "00644E8AC1397E41", "EA747A2D33AB1B42", "6E00000000000043"];
    let mut fake = Fake::new(|sent, reads| match sent.len() {
        3 => pieces(&DIGEST, reads - 1),
        _ => idle(),
    });
    let clock = fake.clock.clone();
    let keyboard = Keyboard::new(&mut fake, &*clock);
    let mut session = Session::begin(keyboard, 7, vec![slot(SlotNumber::Two, "alice")]).unwrap();
    let credential = session.list().unwrap().remove(0);
    let code = session.calculate(&credential, MovingFactor::Step(Step(1)), &NoProgress).unwrap();
    assert_eq!(code.expose(), "94287082");
    drop(session);
    // The status, one look before each further report of the frame, and one look for each piece of the response.
    assert_eq!((fake.sent.len(), fake.looks), (4, 1 + 2 + 4));
}

#[test]
fn other_credentials_and_counters_are_refused_before_anything_is_sent() {
    let mut fake = Fake::new(|_, _| idle());
    let clock = fake.clock.clone();
    let keyboard = Keyboard::new(&mut fake, &*clock);
    let mut session = Session::begin(keyboard, 7, vec![slot(SlotNumber::Two, "alice")]).unwrap();
    let mut credential = session.list().unwrap().remove(0);
    let counter = session.calculate(&credential, MovingFactor::Counter, &NoProgress);
    assert!(matches!(counter, Err(Error::Unsupported(_))));
    credential.name.bytes = b"slot 1".to_vec();
    let other = session.calculate(&credential, MovingFactor::Step(Step(1)), &NoProgress);
    assert_eq!(other, Err(Error::NoSuchCredential));
    drop(session);
    assert!(fake.sent.is_empty());
}

#[test]
fn a_key_that_stays_busy_begins_no_session() {
    let mut fake = Fake::new(|_, _| flags(0x9f));
    let clock = fake.clock.clone();
    let result = Session::begin(Keyboard::new(&mut fake, &*clock), 7, Vec::new());
    assert!(matches!(result.err(), Some(Error::NoAnswer(_))));
}
