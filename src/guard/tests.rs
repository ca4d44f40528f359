//! Tests of the record with files, threads, processes, crashes and clocks.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::Barrier;
use std::thread;

use super::*;

const CREDENTIAL: &str = "ykoath_1234_0011223344556677";
const NOW: Step = Step(57_000_000);

fn temporary() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn guard(directory: &Path) -> Guard {
    Guard::open(directory.join("oathbridge"))
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn a_step_is_reserved_once_and_the_error_names_the_next_step() {
    let directory = temporary();
    let guard = guard(directory.path());
    guard.reserve(CREDENTIAL, NOW, NOW).unwrap().spent().unwrap();
    let again = guard.reserve(CREDENTIAL, NOW, NOW).unwrap_err();
    assert_eq!(again, Error::Spent { earliest: NOW.next() });
    assert_eq!(guard.earliest(CREDENTIAL, NOW), Ok(NOW.next()));
    assert_eq!(guard.earliest("ykoath_1234_ffffffffffffffff", NOW), Ok(NOW));
    guard.claim(CREDENTIAL, NOW.next(), NOW).unwrap();
    assert!(matches!(guard.claim(CREDENTIAL, NOW.next(), NOW), Err(Error::Spent { .. })));
}

#[test]
fn an_unsettled_intent_counts_as_spent_after_a_restart() {
    let directory = temporary();
    drop(guard(directory.path()).reserve(CREDENTIAL, NOW, NOW).unwrap());
    let restarted = guard(directory.path());
    assert_eq!(restarted.earliest(CREDENTIAL, NOW), Ok(NOW.next()));
    assert!(matches!(restarted.reserve(CREDENTIAL, NOW, NOW), Err(Error::Spent { .. })));
    let shown = restarted.show().unwrap();
    assert_eq!(shown[0].records[0].usage(), Use::Intent);
    assert_eq!((shown[0].records[0].first(), shown[0].records[0].last()), (NOW, NOW));
}

#[test]
fn the_intent_is_on_the_disk_before_reserve_returns() {
    let directory = temporary();
    let reservation = guard(directory.path()).reserve(CREDENTIAL, NOW, NOW).unwrap();
    let other = guard(directory.path());
    assert_eq!(other.show().unwrap()[0].records[0].usage(), Use::Intent);
    reservation.spent().unwrap();
    assert_eq!(other.show().unwrap()[0].records[0].usage(), Use::Spent);
}

#[test]
fn a_step_that_was_taken_back_may_be_reserved() {
    let directory = temporary();
    let guard = guard(directory.path());
    guard.reserve(CREDENTIAL, NOW, NOW).unwrap().take_back().unwrap();
    assert_eq!(guard.earliest(CREDENTIAL, NOW), Ok(NOW));
    assert_eq!(guard.show().unwrap(), []);
    guard.reserve(CREDENTIAL, NOW, NOW).unwrap().spent().unwrap();
}

#[test]
fn a_reservation_survives_forget() {
    let directory = temporary();
    let guard = guard(directory.path());
    let reservation = guard.reserve(CREDENTIAL, NOW, NOW).unwrap();
    assert_eq!(guard.forget(CREDENTIAL), Ok(true));
    assert_eq!(guard.forget(CREDENTIAL), Ok(false));
    reservation.spent().unwrap();
    assert_eq!(guard.earliest(CREDENTIAL, NOW), Ok(NOW.next()));
}

#[test]
fn forgetting_a_shared_seed_keeps_it_shared() {
    let directory = temporary();
    let guard = guard(directory.path());
    guard.claim(CREDENTIAL, NOW, NOW).unwrap();
    let text = fs::read_to_string(guard.file()).unwrap();
    let seed = guard.show().unwrap()[0].seed.clone();
    let shared = text.replace(
        &format!("\"{CREDENTIAL}\": \"{seed}\""),
        &format!("\"{CREDENTIAL}\": \"{seed}\", \"other\": \"{seed}\""),
    );
    fs::write(guard.file(), shared).unwrap();
    assert_eq!(guard.earliest("other", NOW), Ok(NOW.next()));
    assert_eq!(guard.forget(CREDENTIAL), Ok(true));
    guard.claim("other", NOW, NOW).unwrap();
    assert_eq!(guard.earliest(CREDENTIAL, NOW), Ok(NOW.next()));
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
            steps.filter(|step| guard.claim(CREDENTIAL, *step, *step).is_ok()).map(|step| step.0).collect()
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
    guard.claim(CREDENTIAL, NOW, NOW).unwrap();
    let lock = fs::File::open(guard.file().with_file_name("guard.lock")).unwrap();
    lock.lock().unwrap();
    let later = NOW.next();
    assert_eq!(
        guard.claim(CREDENTIAL, later, later),
        Err(Unavailable::Record(state_file::Error::Locked).into())
    );
    lock.unlock().unwrap();
    guard.claim(CREDENTIAL, later, later).unwrap();
}

#[test]
fn a_clock_far_ahead_does_not_block_a_credential() {
    let directory = temporary();
    let guard = guard(directory.path());
    let wrong = Step(NOW.0 + 1_000_000);
    guard.claim(CREDENTIAL, wrong, wrong).unwrap();
    guard.claim(CREDENTIAL, NOW, NOW).unwrap();
    assert_eq!(guard.earliest(CREDENTIAL, NOW), Ok(NOW.next()));
    assert!(matches!(guard.claim(CREDENTIAL, wrong, wrong), Err(Error::Spent { .. })));
}

#[test]
fn a_clock_that_is_set_back_does_not_reopen_used_steps() {
    let directory = temporary();
    let guard = guard(directory.path());
    guard.claim(CREDENTIAL, NOW, NOW).unwrap();
    let back = Step(NOW.0 - 3);
    assert_eq!(guard.claim(CREDENTIAL, back, back), Err(Error::Spent { earliest: NOW.next() }));
}

#[test]
fn only_the_owner_can_read_the_files_and_they_contain_no_code() {
    let directory = temporary();
    let guard = guard(directory.path());
    guard.claim(CREDENTIAL, NOW, NOW).unwrap();
    assert_eq!(mode(&directory.path().join("oathbridge")), 0o700);
    assert_eq!(mode(&guard.file()), 0o600);
    assert!(!guard.file().with_file_name("guard.json.new").exists());
}

/// File contents that no version or a newer version wrote, with the error of the guard.
fn unusable_files() -> Vec<(String, Unavailable)> {
    let group = r#""groups":{"g":[{"first":9,"last":8,"use":"spent"}]}"#;
    let twice = r#"{"first":9,"last":9,"use":"spent"}"#;
    vec![
        (String::new(), Unavailable::Record(state_file::Error::Damaged)),
        ("not JSON".into(), Unavailable::Record(state_file::Error::Damaged)),
        (r#"{"version":1,"groups":{},"cred"#.into(), Unavailable::Record(state_file::Error::Damaged)),
        (
            r#"{"version":1,"groups":{},"credentials":{"c":"gone"}}"#.into(),
            Unavailable::Record(state_file::Error::Damaged),
        ),
        (
            r#"{"version":1,"groups":{},"credentials":{},"more":1}"#.into(),
            Unavailable::Record(state_file::Error::Damaged),
        ),
        (
            r#"{"version":0,"groups":{},"credentials":{}}"#.into(),
            Unavailable::Record(state_file::Error::Damaged),
        ),
        (
            format!(r#"{{"version":1,{group},"credentials":{{"c":"g"}}}}"#),
            Unavailable::Record(state_file::Error::Damaged),
        ),
        (
            format!(r#"{{"version":1,"groups":{{"g":[{twice},{twice}]}},"credentials":{{}}}}"#),
            Unavailable::Record(state_file::Error::Damaged),
        ),
        (
            r#"{"version":2,"steps":[]}"#.into(),
            Unavailable::Record(state_file::Error::OtherVersion { version: 2 }),
        ),
    ]
}

#[test]
fn an_unusable_record_is_refused_and_not_changed() {
    for (text, expected) in unusable_files() {
        let directory = temporary();
        let guard = guard(directory.path());
        fs::create_dir(directory.path().join("oathbridge")).unwrap();
        fs::write(guard.file(), &text).unwrap();
        let expected = Error::Unavailable(expected);
        assert_eq!(guard.reserve(CREDENTIAL, NOW, NOW).unwrap_err(), expected, "{text}");
        assert_eq!(guard.claim(CREDENTIAL, NOW, NOW), Err(expected));
        assert_eq!(guard.earliest(CREDENTIAL, NOW), Err(expected));
        assert_eq!(guard.show(), Err(expected));
        assert_eq!(guard.forget(CREDENTIAL), Err(expected));
        assert_eq!(fs::read_to_string(guard.file()).unwrap(), text);
    }
}

#[test]
fn every_truncation_of_a_record_is_damaged() {
    let directory = temporary();
    let guard = guard(directory.path());
    guard.claim(CREDENTIAL, NOW, NOW).unwrap();
    let whole = fs::read(guard.file()).unwrap();
    for length in 0..whole.len() {
        fs::write(guard.file(), &whole[..length]).unwrap();
        assert_eq!(
            guard.earliest(CREDENTIAL, NOW),
            Err(Unavailable::Record(state_file::Error::Damaged).into()),
            "{length} bytes"
        );
    }
}

#[test]
fn an_unwritable_place_is_refused() {
    let directory = temporary();
    let file = directory.path().join("file");
    fs::write(&file, "in the way").unwrap();
    let below_a_file = Guard::open(file.join("oathbridge"));
    let refused = below_a_file.reserve(CREDENTIAL, NOW, NOW).unwrap_err();
    assert!(
        matches!(refused, Error::Unavailable(Unavailable::Record(state_file::Error::Unwritable(_)))),
        "{refused:?}"
    );

    let guard = guard(directory.path());
    guard.claim(CREDENTIAL, NOW, NOW).unwrap();
    fs::create_dir(guard.file().with_file_name("guard.json.new")).unwrap();
    let later = NOW.next();
    let refused = guard.claim(CREDENTIAL, later, later).unwrap_err();
    assert!(
        matches!(refused, Error::Unavailable(Unavailable::Record(state_file::Error::Unwritable(_)))),
        "{refused:?}"
    );
    assert_eq!(guard.earliest(CREDENTIAL, NOW), Ok(NOW.next()));
}

#[test]
fn a_pipe_or_a_directory_in_place_of_the_file_is_damaged_and_does_not_block() {
    let directory = temporary();
    let guard = guard(directory.path());
    fs::create_dir(directory.path().join("oathbridge")).unwrap();
    assert!(Command::new("mkfifo").arg(guard.file()).status().unwrap().success());
    assert_eq!(guard.earliest(CREDENTIAL, NOW), Err(Unavailable::Record(state_file::Error::Damaged).into()));
    fs::remove_file(guard.file()).unwrap();
    fs::create_dir(guard.file()).unwrap();
    assert_eq!(
        guard.claim(CREDENTIAL, NOW, NOW),
        Err(Unavailable::Record(state_file::Error::Damaged).into())
    );
}

#[test]
fn leftover_files_of_a_crash_are_ignored() {
    let directory = temporary();
    let guard = guard(directory.path());
    guard.claim(CREDENTIAL, NOW, NOW).unwrap();
    fs::write(guard.file().with_file_name("guard.json.new"), "{\"version\":1, half").unwrap();
    assert_eq!(guard.earliest(CREDENTIAL, NOW), Ok(NOW.next()));
    guard.claim(CREDENTIAL, NOW.next(), NOW).unwrap();
    assert_eq!(guard.show().unwrap()[0].records.len(), 2);
}

/// The directory that [`a_full_disk_is_refused_and_keeps_the_record`] passes to itself in another process.
const FULL_DISK: &str = "OATHBRIDGE_TEST_FULL_DISK";

#[test]
fn a_full_disk_is_refused_and_keeps_the_record() {
    if let Some(directory) = std::env::var_os(FULL_DISK) {
        let later = NOW.next();
        let refused = guard(Path::new(&directory)).reserve(CREDENTIAL, later, later).unwrap_err();
        assert_eq!(
            refused,
            Unavailable::Record(state_file::Error::Unwritable(std::io::ErrorKind::FileTooLarge)).into()
        );
        return;
    }
    let directory = temporary();
    let guard = guard(directory.path());
    guard.claim(CREDENTIAL, NOW, NOW).unwrap();
    // The limit of file size stops every write, also for root; permissions do not stop root.
    let child = Command::new("sh")
        .args(["-c", r#"trap "" XFSZ; ulimit -f 0; exec "$@""#, "sh"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "guard::tests::a_full_disk_is_refused_and_keeps_the_record", "--nocapture"])
        .env(FULL_DISK, directory.path())
        .output()
        .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
    assert!(String::from_utf8_lossy(&child.stdout).contains("1 passed"));
    assert_eq!(guard.show().unwrap()[0].records.len(), 1);
    guard.claim(CREDENTIAL, NOW.next(), NOW).unwrap();
}
