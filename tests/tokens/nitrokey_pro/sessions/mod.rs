//! Sessions with a virtual token, on a clock that stands still, without the daemon.

mod pin;
mod steps;

use std::time::Duration;

use oathbridge::clock::ManualClock;
use oathbridge::device::{self, NoProgress};
use oathbridge::oath::{Error, Kind, MovingFactor, OathSession, Touch};
use oathbridge::otp::Step;
use oathbridge::protocol::nitrokey_pro::{Key, Model, Session};
use oathbridge::virt::{self, NitrokeyProFault, NitrokeyProInterface, VirtualToken};

pub(super) const TOKEN: &str = r#"
[[token]]
serial = 24337
model = "nitrokey-pro"
[[token.credential]]
issuer = "AWS"
account = "alice"
digits = 8
seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
[[token.credential]]
account = "minute"
period = 60
seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
[[token.credential]]
account = "counter"
type = "hotp"
seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
"#;

/// A token, its interface, and a clock at this Unix time.
pub(super) fn token(text: &str, time: u64) -> (VirtualToken, NitrokeyProInterface, ManualClock) {
    let token = VirtualToken::new(&virt::parse(text).unwrap()[0]);
    let interface = token.nitrokey_pro().unwrap();
    (token, interface, ManualClock::at(Duration::from_secs(time)))
}

pub(super) fn begin<'r>(interface: &'r mut NitrokeyProInterface, clock: &'r ManualClock) -> Session<'r> {
    Session::begin(Key::open(interface, clock).unwrap(), Model::Pro, None).unwrap()
}

#[test]
fn slots_are_credentials() {
    let (token, mut interface, clock) = token(TOKEN, 59);
    let mut session = begin(&mut interface, &clock);
    let description = session.description();
    assert_eq!((description.version, description.serial.as_deref()), (Some([0, 15, 0]), Some("00005f11")));
    assert_eq!((description.pin_set, description.attempts_left), (false, None));
    assert_eq!((description.max_key, description.own_clock), (Some(40), true));
    assert!(!session.is_locked());
    let listed = session.list().unwrap();
    let shown: Vec<_> = listed
        .iter()
        .map(|one| (one.name.issuer.as_str(), one.name.account.as_str(), one.kind, one.digits.get()))
        .collect();
    let expected =
        [("AWS", "alice", Kind::Totp, 8), ("", "minute", Kind::Totp, 6), ("", "counter", Kind::Hotp, 6)];
    assert_eq!(shown, expected);
    assert_eq!(listed[1].name.period.seconds(), 60);
    assert!(listed.iter().all(|one| one.touch == Touch::No && !one.is_pin_protected));
    // The status, and each slot once.
    assert_eq!(token.nitrokey_pro_commands(), [&[0][..], &[3; 18]].concat());
}

/// RFC 6238, appendix B, and RFC 4226, appendix D.
#[test]
fn codes_of_time_steps_and_counters() {
    let (token, mut interface, clock) = token(TOKEN, 59);
    let mut session = begin(&mut interface, &clock);
    let listed = session.list().unwrap();
    let before = token.nitrokey_pro_commands().len();
    let code = session.calculate(&listed[0], MovingFactor::Step(Step(1)), &NoProgress).unwrap();
    assert_eq!(code.expose(), "94287082");
    // The slot, the time, the code, and a name that the token then shows instead.
    assert_eq!(token.nitrokey_pro_commands()[before..], [3, 0x0b, 4, 2]);
    for expected in ["755224", "287082"] {
        let code = session.calculate(&listed[2], MovingFactor::Counter, &NoProgress).unwrap();
        assert_eq!(code.expose(), expected);
    }
    assert_eq!(token.nitrokey_pro_commands()[before + 4..], [3, 4, 2, 3, 4, 2], "a counter has no time");
}

#[test]
fn other_factors_and_credentials_are_refused_before_anything_is_sent() {
    let (token, mut interface, clock) = token(TOKEN, 59);
    let mut session = begin(&mut interface, &clock);
    let mut listed = session.list().unwrap();
    let before = token.nitrokey_pro_commands().len();
    for (place, factor) in [(0, MovingFactor::Counter), (2, MovingFactor::Step(Step(1)))] {
        let result = session.calculate(&listed[place], factor, &NoProgress);
        assert!(matches!(result, Err(Error::Unsupported(_))));
    }
    listed[0].name.bytes = b"totp 15".to_vec();
    let result = session.calculate(&listed[0], MovingFactor::Step(Step(1)), &NoProgress);
    assert_eq!(result, Err(Error::NoSuchCredential));
    assert_eq!(token.nitrokey_pro_commands().len(), before);
}

#[test]
fn a_slot_that_another_program_wrote_to_gives_no_code() {
    let (token, mut interface, clock) = token(TOKEN, 59);
    let mut session = begin(&mut interface, &clock);
    let listed = session.list().unwrap();
    token.rename_nitrokey_pro_slot(0x20, "AWS:bob");
    token.rename_nitrokey_pro_slot(0x10, "other");
    for (place, factor) in [(0, MovingFactor::Step(Step(1))), (2, MovingFactor::Counter)] {
        let result = session.calculate(&listed[place], factor, &NoProgress);
        assert_eq!(result, Err(Error::NoSuchCredential));
    }
    assert!(!token.nitrokey_pro_commands().contains(&4));
    assert_eq!(session.list().unwrap()[0].name.bytes, listed[0].name.bytes, "the slot keeps its identity");
}

#[test]
fn a_token_that_is_pulled_out_within_an_exchange() {
    let (token, mut interface, clock) = token(TOKEN, 59);
    let mut session = begin(&mut interface, &clock);
    token.fail_next_nitrokey_pro(NitrokeyProFault::Vanish);
    assert_eq!(session.list(), Err(Error::Device(device::Error::Removed)));
}

#[test]
fn the_firmware_version_is_that_of_the_model() {
    let (_token, mut interface, clock) = token(TOKEN, 59);
    let storage = Session::begin(Key::open(&mut interface, &clock).unwrap(), Model::Storage, None);
    assert!(matches!(storage.err(), Some(Error::Unsupported(_))), "0.15 is an old version of a Storage");
}
