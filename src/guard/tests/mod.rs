//! Tests of the record with threads, crashes and clocks.

mod files;
mod loss;

use std::fs;
use std::path::Path;
use std::sync::Barrier;
use std::thread;

use super::*;
use crate::otp::Period;

const CREDENTIAL: &str = "ykoath_1234_0011223344556677";

const NOW: Step = Step(57_000_000);

fn temporary() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// The start of a step of 30 seconds.
fn at(step: Step) -> Now {
    Now::new(step.start(Period::DEFAULT), Period::DEFAULT)
}

/// A record that has begun without a loss.
fn guard(directory: &Path) -> Guard {
    let guard = Guard::open(directory.join("oathbridge"));
    guard.begin(at(NOW).time()).unwrap();
    guard
}

#[test]
fn a_step_is_reserved_once_and_the_error_names_the_next_step() {
    let directory = temporary();
    let guard = guard(directory.path());
    guard.reserve(CREDENTIAL, NOW, at(NOW)).unwrap().spent().unwrap();
    let again = guard.reserve(CREDENTIAL, NOW, at(NOW)).unwrap_err();
    assert_eq!(again, Error::Spent { earliest: NOW.next() });
    assert_eq!(guard.earliest(CREDENTIAL, at(NOW)), Ok(NOW.next()));
    assert_eq!(guard.earliest("ykoath_1234_ffffffffffffffff", at(NOW)), Ok(NOW));
    guard.claim(CREDENTIAL, NOW.next(), at(NOW)).unwrap();
    assert!(matches!(guard.claim(CREDENTIAL, NOW.next(), at(NOW)), Err(Error::Spent { .. })));
}

#[test]
fn an_unsettled_intent_counts_as_spent_after_a_restart() {
    let directory = temporary();
    drop(guard(directory.path()).reserve(CREDENTIAL, NOW, at(NOW)).unwrap());
    let restarted = guard(directory.path());
    assert_eq!(restarted.earliest(CREDENTIAL, at(NOW)), Ok(NOW.next()));
    assert!(matches!(restarted.reserve(CREDENTIAL, NOW, at(NOW)), Err(Error::Spent { .. })));
    let shown = restarted.show().unwrap();
    assert_eq!(shown[0].records[0].usage(), Use::Intent);
    assert_eq!((shown[0].records[0].first(), shown[0].records[0].last()), (NOW, NOW));
}

#[test]
fn the_intent_is_on_the_disk_before_reserve_returns() {
    let directory = temporary();
    let reservation = guard(directory.path()).reserve(CREDENTIAL, NOW, at(NOW)).unwrap();
    let other = guard(directory.path());
    assert_eq!(other.show().unwrap()[0].records[0].usage(), Use::Intent);
    reservation.spent().unwrap();
    assert_eq!(other.show().unwrap()[0].records[0].usage(), Use::Spent);
}

#[test]
fn a_step_that_was_taken_back_may_be_reserved() {
    let directory = temporary();
    let guard = guard(directory.path());
    guard.reserve(CREDENTIAL, NOW, at(NOW)).unwrap().take_back().unwrap();
    assert_eq!(guard.earliest(CREDENTIAL, at(NOW)), Ok(NOW));
    assert_eq!(guard.show().unwrap(), []);
    guard.reserve(CREDENTIAL, NOW, at(NOW)).unwrap().spent().unwrap();
}

#[test]
fn a_reservation_survives_forget() {
    let directory = temporary();
    let guard = guard(directory.path());
    let reservation = guard.reserve(CREDENTIAL, NOW, at(NOW)).unwrap();
    assert_eq!(guard.forget(CREDENTIAL), Ok(true));
    assert_eq!(guard.forget(CREDENTIAL), Ok(false));
    reservation.spent().unwrap();
    assert_eq!(guard.earliest(CREDENTIAL, at(NOW)), Ok(NOW.next()));
}

#[test]
fn forgetting_a_shared_seed_keeps_it_shared() {
    let directory = temporary();
    let guard = guard(directory.path());
    guard.claim(CREDENTIAL, NOW, at(NOW)).unwrap();
    let text = fs::read_to_string(guard.file()).unwrap();
    let seed = guard.show().unwrap()[0].seed.clone();
    let shared = text.replace(
        &format!("\"{CREDENTIAL}\": \"{seed}\""),
        &format!("\"{CREDENTIAL}\": \"{seed}\", \"other\": \"{seed}\""),
    );
    fs::write(guard.file(), shared).unwrap();
    assert_eq!(guard.earliest("other", at(NOW)), Ok(NOW.next()));
    assert_eq!(guard.forget(CREDENTIAL), Ok(true));
    guard.claim("other", NOW, at(NOW)).unwrap();
    assert_eq!(guard.earliest(CREDENTIAL, at(NOW)), Ok(NOW.next()));
}

#[test]
fn two_daemons_never_get_the_same_step() {
    const THREADS: usize = 4;
    const STEPS: u64 = 12;
    let directory = temporary();
    let start = Barrier::new(THREADS);
    let won: Vec<u64> = thread::scope(|scope| {
        let run = || {
            let guard = guard(directory.path());
            start.wait();
            let steps = (0..STEPS).map(|n| Step(NOW.0 + n));
            steps
                .filter(|step| guard.claim(CREDENTIAL, *step, at(*step)).is_ok())
                .map(|step| step.0)
                .collect()
        };
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(run)).collect();
        threads.into_iter().flat_map(|thread| -> Vec<u64> { thread.join().unwrap() }).collect()
    });
    let mut distinct = won.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), won.len(), "a step was given out twice");
    assert_eq!(distinct.last(), Some(&(NOW.0 + STEPS - 1)));
}

#[test]
fn waiting_for_a_lock_that_is_never_released_times_out() {
    let directory = temporary();
    let guard = guard(directory.path());
    guard.claim(CREDENTIAL, NOW, at(NOW)).unwrap();
    let lock = fs::File::open(guard.file().with_file_name("guard.lock")).unwrap();
    lock.lock().unwrap();
    let later = NOW.next();
    assert_eq!(
        guard.claim(CREDENTIAL, later, at(later)),
        Err(Unavailable::Record(state_file::Error::Locked).into())
    );
    lock.unlock().unwrap();
    guard.claim(CREDENTIAL, later, at(later)).unwrap();
}

#[test]
fn a_clock_far_ahead_does_not_block_a_credential() {
    let directory = temporary();
    let guard = guard(directory.path());
    let wrong = Step(NOW.0 + 1_000_000);
    guard.claim(CREDENTIAL, wrong, at(wrong)).unwrap();
    guard.claim(CREDENTIAL, NOW, at(NOW)).unwrap();
    assert_eq!(guard.earliest(CREDENTIAL, at(NOW)), Ok(NOW.next()));
    assert!(matches!(guard.claim(CREDENTIAL, wrong, at(wrong)), Err(Error::Spent { .. })));
}

#[test]
fn a_clock_that_is_set_back_does_not_reopen_used_steps() {
    let directory = temporary();
    let guard = guard(directory.path());
    guard.claim(CREDENTIAL, NOW, at(NOW)).unwrap();
    let back = Step(NOW.0 - 3);
    assert_eq!(guard.claim(CREDENTIAL, back, at(back)), Err(Error::Spent { earliest: NOW.next() }));
}

/// The name of a renamed credential may be that of another one, which must not lose its steps.
#[test]
fn credentials_that_share_a_record_have_the_steps_of_both() {
    let directory = temporary();
    let guard = guard(directory.path());
    let (alice, bob, carol) =
        ("ykoath_1_00000000000000aa", "ykoath_1_00000000000000bb", "ykoath_1_00000000000000cc");
    guard.claim(alice, NOW, at(NOW)).unwrap();
    guard.claim(bob, Step(NOW.0 + 2), at(NOW)).unwrap();
    guard.share(carol, bob, at(NOW)).unwrap();
    guard.share(bob, alice, at(NOW)).unwrap();
    for credential in [alice, bob, carol] {
        for step in [NOW, Step(NOW.0 + 2)] {
            assert!(
                matches!(guard.claim(credential, step, at(NOW)), Err(Error::Spent { .. })),
                "{credential}"
            );
        }
    }
    guard.claim(carol, Step(NOW.0 + 3), at(NOW)).unwrap();
    assert!(matches!(guard.claim(alice, Step(NOW.0 + 3), at(NOW)), Err(Error::Spent { .. })));
    // The names of credentials that are renamed again and again do not fill the file, and the record stays.
    for name in [alice, bob, carol] {
        guard.forget_name(name).unwrap();
    }
    assert_eq!(guard.show().unwrap().len(), 1);
    assert!(matches!(guard.claim(carol, Step(NOW.0 + 3), at(NOW)), Err(Error::Spent { .. })));
}
