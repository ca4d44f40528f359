//! A code belongs to the time step that was asked for.

use std::time::Duration;

use super::{TOKEN, begin, token};
use oathbridge::device::{self, NoProgress};
use oathbridge::oath::{Credential, Error, MovingFactor, OathSession};
use oathbridge::otp::{Algorithm, Code, Digits, Step, truncate};
use oathbridge::protocol::nitrokey_pro::Session;
use oathbridge::virt::NitrokeyProFault;

/// The code of the virtual token's first slot.
fn code(step: u64) -> String {
    let digest = Algorithm::Sha1.hmac(b"12345678901234567890", &step.to_be_bytes());
    Code::decimal(truncate(&digest).unwrap(), Digits::EIGHT).expose().to_owned()
}

fn calculate(session: &mut Session<'_>, credential: &Credential, step: u64) -> Result<String, Error> {
    let code = session.calculate(credential, MovingFactor::Step(Step(step)), &NoProgress)?;
    Ok(code.expose().to_owned())
}

#[test]
fn at_any_second_of_a_step_the_code_is_that_of_the_step() {
    for second in 0..30 {
        let (_token, mut interface, clock) = token(TOKEN, 3_000 + second);
        let mut session = begin(&mut interface, &clock);
        let credential = session.list().unwrap().remove(0);
        assert_eq!(calculate(&mut session, &credential, 100), Ok(code(100)), "second {second}");
    }
}

#[test]
fn the_step_may_have_ended_a_moment_ago_and_may_not_lie_ahead() {
    let (token, mut interface, clock) = token(TOKEN, 3_000);
    let mut session = begin(&mut interface, &clock);
    let credential = session.list().unwrap().remove(0);
    let before = token.nitrokey_pro_commands().len();
    assert!(matches!(calculate(&mut session, &credential, 101), Err(Error::Unsupported(_))));
    assert!(!token.nitrokey_pro_commands()[before..].contains(&0x0b), "the clock is not set ahead");
    assert_eq!(calculate(&mut session, &credential, 99), Ok(code(99)));
    // Now the token has a time in the next minute.
    token.set_nitrokey_pro_clock(Duration::from_secs(3_060));
    assert_eq!(calculate(&mut session, &credential, 99), Err(Error::Device(device::Error::Reset)));
}

/// Between the time and the code, another program sets the clock to the next step.
#[test]
fn a_code_of_the_time_of_another_program_is_not_requested() {
    for (disturbed, expected, requests) in [
        (1, Ok(code(100)), vec![3, 0x0b, 0x0b, 0x0b, 4, 2]),
        (2, Err(Error::Device(device::Error::Busy)), vec![3, 0x0b, 0x0b, 0x0b, 0x0b]),
    ] {
        let (token, mut interface, clock) = token(TOKEN, 3_000);
        let mut session = begin(&mut interface, &clock);
        let credential = session.list().unwrap().remove(0);
        let before = token.nitrokey_pro_commands().len();
        token.fail_next_nitrokey_pro(NitrokeyProFault::None);
        for _ in 0..disturbed {
            token.fail_next_nitrokey_pro(NitrokeyProFault::OtherTime(3_030));
        }
        assert_eq!(calculate(&mut session, &credential, 100), expected);
        assert_eq!(token.nitrokey_pro_commands()[before..], requests);
    }
}

/// A period of 7 s: the step from 56 s to 63 s has seconds in two minutes.
#[test]
fn a_step_that_crosses_a_minute_is_no_reason_to_set_the_clock_back() {
    let (token, mut interface, clock) = token(&TOKEN.replace("period = 60", "period = 7"), 61);
    token.set_nitrokey_pro_clock(Duration::from_secs(61));
    let mut session = begin(&mut interface, &clock);
    let credential = session.list().unwrap().remove(1);
    let first = calculate(&mut session, &credential, 8);
    assert!(first.is_ok(), "{first:?}");
    clock.set_unix_time(Duration::from_millis(61_500));
    assert_eq!(calculate(&mut session, &credential, 8), first);
}

#[test]
fn the_clock_is_set_back_only_if_that_is_allowed() {
    let (token, mut interface, clock) = token(TOKEN, 3_000);
    token.set_nitrokey_pro_clock(Duration::from_secs(30_000));
    let mut session = begin(&mut interface, &clock);
    let credential = session.list().unwrap().remove(0);
    assert_eq!(calculate(&mut session, &credential, 100), Err(Error::ClockBehind));
    assert!(!token.nitrokey_pro_commands().contains(&4), "no code of another time");
    session.allow_set_time();
    assert_eq!(calculate(&mut session, &credential, 100), Ok(code(100)));
    drop(session);
    let mut session = begin(&mut interface, &clock);
    assert_eq!(calculate(&mut session, &credential, 100), Ok(code(100)), "the clock is right now");
}
