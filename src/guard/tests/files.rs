//! Tests of unusable, unwritable and damaged files.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use super::super::*;
use super::{CREDENTIAL, NOW, at, guard, temporary};

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
        fs::write(guard.file(), &text).unwrap();
        let expected = Error::Unavailable(expected);
        assert_eq!(guard.reserve(CREDENTIAL, NOW, at(NOW)).unwrap_err(), expected, "{text}");
        assert_eq!(guard.claim(CREDENTIAL, NOW, at(NOW)), Err(expected));
        assert_eq!(guard.earliest(CREDENTIAL, at(NOW)), Err(expected));
        assert_eq!(guard.show(), Err(expected));
        assert_eq!(guard.forget(CREDENTIAL), Err(expected));
        assert_eq!(fs::read_to_string(guard.file()).unwrap(), text);
    }
}

#[test]
fn every_truncation_of_a_record_is_damaged() {
    let directory = temporary();
    let guard = guard(directory.path());
    guard.claim(CREDENTIAL, NOW, at(NOW)).unwrap();
    let whole = fs::read(guard.file()).unwrap();
    for length in 0..whole.len() {
        fs::write(guard.file(), &whole[..length]).unwrap();
        assert_eq!(
            guard.earliest(CREDENTIAL, at(NOW)),
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
    let refused = below_a_file.reserve(CREDENTIAL, NOW, at(NOW)).unwrap_err();
    assert!(
        matches!(refused, Error::Unavailable(Unavailable::Record(state_file::Error::Unwritable(_)))),
        "{refused:?}"
    );

    let guard = guard(directory.path());
    guard.claim(CREDENTIAL, NOW, at(NOW)).unwrap();
    fs::create_dir(guard.file().with_file_name("guard.json.new")).unwrap();
    let later = NOW.next();
    let refused = guard.claim(CREDENTIAL, later, at(later)).unwrap_err();
    assert!(
        matches!(refused, Error::Unavailable(Unavailable::Record(state_file::Error::Unwritable(_)))),
        "{refused:?}"
    );
    assert_eq!(guard.earliest(CREDENTIAL, at(NOW)), Ok(NOW.next()));
}

#[test]
fn a_pipe_or_a_directory_in_place_of_the_file_is_damaged_and_does_not_block() {
    let directory = temporary();
    let guard = guard(directory.path());
    fs::remove_file(guard.file()).unwrap();
    assert!(Command::new("mkfifo").arg(guard.file()).status().unwrap().success());
    assert_eq!(
        guard.earliest(CREDENTIAL, at(NOW)),
        Err(Unavailable::Record(state_file::Error::Damaged).into())
    );
    fs::remove_file(guard.file()).unwrap();
    fs::create_dir(guard.file()).unwrap();
    assert_eq!(
        guard.claim(CREDENTIAL, NOW, at(NOW)),
        Err(Unavailable::Record(state_file::Error::Damaged).into())
    );
}

#[test]
fn leftover_files_of_a_crash_are_ignored() {
    let directory = temporary();
    let guard = guard(directory.path());
    guard.claim(CREDENTIAL, NOW, at(NOW)).unwrap();
    fs::write(guard.file().with_file_name("guard.json.new"), "{\"version\":1, half").unwrap();
    assert_eq!(guard.earliest(CREDENTIAL, at(NOW)), Ok(NOW.next()));
    guard.claim(CREDENTIAL, NOW.next(), at(NOW)).unwrap();
    assert_eq!(guard.show().unwrap()[0].records.len(), 2);
}

/// The directory that [`a_full_disk_is_refused_and_keeps_the_record`] passes to itself in another process.
const FULL_DISK: &str = "OATHBRIDGE_TEST_FULL_DISK";

#[test]
fn a_full_disk_is_refused_and_keeps_the_record() {
    if let Some(directory) = std::env::var_os(FULL_DISK) {
        let later = NOW.next();
        let refused = guard(Path::new(&directory)).reserve(CREDENTIAL, later, at(later)).unwrap_err();
        assert_eq!(
            refused,
            Unavailable::Record(state_file::Error::Unwritable(std::io::ErrorKind::FileTooLarge)).into()
        );
        return;
    }
    let directory = temporary();
    let guard = guard(directory.path());
    guard.claim(CREDENTIAL, NOW, at(NOW)).unwrap();
    // The limit of file size stops every write, also for root; permissions do not stop root.
    let child = Command::new("sh")
        .args(["-c", r#"trap "" XFSZ; ulimit -f 0; exec "$@""#, "sh"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "guard::tests::files::a_full_disk_is_refused_and_keeps_the_record", "--nocapture"])
        .env(FULL_DISK, directory.path())
        .output()
        .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
    assert!(String::from_utf8_lossy(&child.stdout).contains("1 passed"));
    assert_eq!(guard.show().unwrap()[0].records.len(), 1);
    guard.claim(CREDENTIAL, NOW.next(), at(NOW)).unwrap();
}

#[test]
fn only_the_owner_can_read_the_files_and_they_contain_no_code() {
    let directory = temporary();
    let guard = guard(directory.path());
    guard.claim(CREDENTIAL, NOW, at(NOW)).unwrap();
    assert_eq!(mode(&directory.path().join("oathbridge")), 0o700);
    assert_eq!(mode(&guard.file()), 0o600);
    assert!(!guard.file().with_file_name("guard.json.new").exists());
}

pub(super) fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}
