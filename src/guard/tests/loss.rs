//! Tests of a record whose files were removed or replaced by older ones.

use std::fs;
use std::path::Path;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use super::super::*;
use super::{CREDENTIAL, NOW, at, temporary};
use crate::otp::Period;

const OTHER: &str = "ykoath_1234_ffffffffffffffff";

/// A record with a second copy.
fn both(directory: &Path) -> Guard {
    Guard::open(Folders {
        state: directory.join("state/oathbridge"),
        runtime: Some(directory.join("runtime/oathbridge")),
    })
}

/// The record of a daemon that starts at this step.
fn started(directory: &Path, now: Step) -> Guard {
    let guard = both(directory);
    guard.begin(at(now).time()).unwrap();
    guard
}

fn copy(directory: &Path) -> PathBuf {
    directory.join("runtime/oathbridge/guard")
}

#[test]
fn a_first_start_closes_no_step() {
    let directory = temporary();
    let guard = started(directory.path(), NOW);
    guard.claim(CREDENTIAL, NOW, at(NOW)).unwrap();
    assert!(guard.file().exists() && copy(directory.path()).exists());
    assert_eq!(started(directory.path(), NOW).earliest(OTHER, at(NOW)), Ok(NOW));
}

/// Two buses of one user have a daemon each.
#[test]
fn two_first_starts_at_once_close_no_step() {
    for _ in 0..20 {
        let directory = temporary();
        let both_start = Barrier::new(2);
        let start = || {
            both_start.wait();
            started(directory.path(), NOW).earliest(CREDENTIAL, at(NOW))
        };
        let earliest = thread::scope(|scope| {
            [scope.spawn(start), scope.spawn(start)].map(|started| started.join().unwrap())
        });
        assert_eq!(earliest, [Ok(NOW); 2]);
    }
}

#[test]
fn a_start_without_the_record_closes_this_and_the_next_step_for_every_seed() {
    let steps: [fn(&Path); 3] = [
        // The folder of the state stays.
        |directory| fs::remove_file(directory.join("state/oathbridge/guard.json")).unwrap(),
        // The second copy stays.
        |directory| fs::remove_dir_all(directory.join("state")).unwrap(),
        |directory| {
            fs::remove_file(directory.join("state/oathbridge/guard.json")).unwrap();
            fs::remove_dir_all(directory.join("runtime")).unwrap();
        },
    ];
    for remove in steps {
        let directory = temporary();
        started(directory.path(), NOW).claim(CREDENTIAL, NOW.next(), at(NOW)).unwrap();
        remove(directory.path());
        let guard = started(directory.path(), NOW);
        let open = NOW.next().next();
        for credential in [CREDENTIAL, OTHER] {
            assert_eq!(guard.earliest(credential, at(NOW)), Ok(open));
            for step in [NOW, NOW.next()] {
                assert_eq!(guard.claim(credential, step, at(step)), Err(Error::Spent { earliest: open }));
            }
            guard.claim(credential, open, at(open)).unwrap();
        }
    }
}

#[test]
fn the_closed_steps_have_the_length_of_each_credential() {
    let directory = temporary();
    started(directory.path(), NOW);
    fs::remove_file(directory.path().join("state/oathbridge/guard.json")).unwrap();
    let guard = started(directory.path(), NOW);
    let minute = Now::new(at(NOW).time(), Period::new(60).unwrap());
    assert_eq!(guard.earliest(CREDENTIAL, minute), Ok(minute.step().next().next()));
    assert_eq!(guard.earliest(CREDENTIAL, at(NOW)), Ok(NOW.next().next()));
}

#[test]
fn without_both_files_and_folders_nothing_is_known() {
    let directory = temporary();
    started(directory.path(), NOW).claim(CREDENTIAL, NOW, at(NOW)).unwrap();
    fs::remove_dir_all(directory.path().join("state")).unwrap();
    fs::remove_dir_all(directory.path().join("runtime")).unwrap();
    started(directory.path(), NOW).claim(CREDENTIAL, NOW, at(NOW)).unwrap();
}

#[test]
fn a_record_that_is_removed_while_the_daemon_runs_opens_no_step() {
    let directory = temporary();
    let guard = started(directory.path(), NOW);
    guard.claim(CREDENTIAL, NOW, at(NOW)).unwrap();
    fs::remove_dir_all(directory.path().join("state")).unwrap();
    fs::remove_dir_all(directory.path().join("runtime")).unwrap();
    let open = NOW.next().next();
    assert_eq!(guard.earliest(CREDENTIAL, at(NOW)), Ok(open));
    assert_eq!(guard.claim(CREDENTIAL, NOW, at(NOW)), Err(Error::Spent { earliest: open }));
}

#[test]
fn a_record_that_is_removed_during_a_submission_opens_no_step() {
    let directory = temporary();
    let guard = started(directory.path(), NOW);
    guard.claim(OTHER, NOW, at(NOW)).unwrap();
    let reservation = guard.reserve(CREDENTIAL, NOW, at(NOW)).unwrap();
    fs::remove_dir_all(directory.path().join("state")).unwrap();
    fs::remove_dir_all(directory.path().join("runtime")).unwrap();
    reservation.spent().unwrap();
    let open = NOW.next().next();
    assert_eq!(guard.claim(OTHER, NOW, at(NOW)), Err(Error::Spent { earliest: open }));
}

#[test]
fn an_older_record_does_not_open_the_last_steps() {
    let directory = temporary();
    let guard = started(directory.path(), NOW);
    let old = fs::read(guard.file()).unwrap();
    guard.claim(CREDENTIAL, NOW, at(NOW)).unwrap();
    guard.reserve(OTHER, NOW, at(NOW)).unwrap().take_back().unwrap();
    fs::write(guard.file(), old).unwrap();
    assert_eq!(guard.earliest(CREDENTIAL, at(NOW)), Ok(NOW.next()));
    assert_eq!(guard.claim(CREDENTIAL, NOW, at(NOW)), Err(Error::Spent { earliest: NOW.next() }));
    guard.claim(OTHER, NOW, at(NOW)).unwrap();
}

#[test]
fn what_is_forgotten_is_not_restored() {
    let directory = temporary();
    let guard = started(directory.path(), NOW);
    guard.claim(CREDENTIAL, NOW, at(NOW)).unwrap();
    assert_eq!(guard.forget(CREDENTIAL), Ok(true));
    guard.claim(CREDENTIAL, NOW, at(NOW)).unwrap();
}

/// A session may have one folder for both.
#[test]
fn the_record_and_its_copy_work_in_one_folder() {
    let directory = temporary();
    let folder = directory.path().join("oathbridge");
    let guard = Guard::open(Folders { state: folder.clone(), runtime: Some(folder) });
    guard.begin(at(NOW).time()).unwrap();
    guard.reserve(CREDENTIAL, NOW, at(NOW)).unwrap().take_back().unwrap();
    guard.claim(CREDENTIAL, NOW, at(NOW)).unwrap();
    assert_eq!(guard.forget(CREDENTIAL), Ok(true));
    guard.claim(CREDENTIAL, NOW, at(NOW)).unwrap();
}

#[test]
fn the_second_copy_is_small_private_and_not_needed() {
    let directory = temporary();
    let guard = started(directory.path(), NOW);
    for step in 0..200 {
        let step = Step(NOW.0 + step);
        guard.claim(CREDENTIAL, step, at(step)).unwrap();
    }
    let copy = copy(directory.path());
    assert!(fs::metadata(&copy).unwrap().len() < 1_000, "{}", fs::read_to_string(&copy).unwrap());
    assert_eq!(super::files::mode(&copy), 0o600);
    fs::write(&copy, "nonsense").unwrap();
    let later = Step(NOW.0 + 200);
    guard.claim(CREDENTIAL, later, at(later)).unwrap();
    fs::remove_dir_all(directory.path().join("runtime")).unwrap();
    fs::write(directory.path().join("runtime"), "in the way").unwrap();
    guard.claim(CREDENTIAL, later.next(), at(later)).unwrap();
}

/// A wrong clock at the time of the loss must not block every credential until that time.
#[test]
fn a_loss_far_ahead_closes_no_step_before_it() {
    let directory = temporary();
    started(directory.path(), NOW);
    fs::remove_file(directory.path().join("state/oathbridge/guard.json")).unwrap();
    let guard = both(directory.path());
    guard.begin(at(NOW).time() + Duration::from_secs(1 << 30)).unwrap();
    assert_eq!(guard.earliest(CREDENTIAL, at(NOW)), Ok(NOW));
}

#[test]
fn a_loss_that_cannot_be_recorded_is_no_spent_step() {
    let directory = temporary();
    let guard = started(directory.path(), NOW);
    guard.claim(CREDENTIAL, NOW, at(NOW)).unwrap();
    fs::remove_file(guard.file()).unwrap();
    // In the way of the next content, also for root.
    fs::create_dir_all(guard.file().with_file_name("guard.json.new/x")).unwrap();
    let earliest = guard.earliest(CREDENTIAL, at(NOW));
    assert!(matches!(earliest, Err(Error::Unavailable(_))), "{earliest:?}");
    assert!(guard.claim(CREDENTIAL, NOW, at(NOW)).is_err());
    fs::remove_dir_all(guard.file().with_file_name("guard.json.new")).unwrap();
    let open = NOW.next().next();
    assert_eq!(guard.earliest(CREDENTIAL, at(NOW)), Ok(open));
    assert_eq!(guard.earliest(CREDENTIAL, at(open)), Ok(open), "the loss is recorded once");
}
