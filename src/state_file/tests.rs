//! Tests of the state file: damaged, newer, too large, and in an unwritable place.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::thread;

use super::*;

type Counts = BTreeMap<String, u32>;

#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
struct Content {
    counts: Counts,
}

impl super::Content for Content {}

fn count(file: &StateFile, key: &str) -> Result<(), Error> {
    file.update(|content: &mut Content| {
        *content.counts.entry(key.to_owned()).or_default() += 1;
        Ok(())
    })
}

/// A slow disk may keep the lock from one of many writers for longer than the limit, which is no lost change.
fn count_patiently(file: &StateFile, key: &str) -> Result<(), Error> {
    loop {
        match count(file, key) {
            Err(Error::Locked) => {}
            result => return result,
        }
    }
}

#[test]
fn concurrent_writers_lose_no_changes() {
    let directory = tempfile::tempdir().unwrap();
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let file = StateFile::new(directory.path().to_owned(), "counts");
            thread::spawn(move || (0..25).for_each(|_| count_patiently(&file, "x").unwrap()))
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    let content: Content = StateFile::new(directory.path().to_owned(), "counts").read().unwrap();
    assert_eq!(content.counts, Counts::from([("x".to_owned(), 100)]));
}

#[test]
fn a_damaged_or_newer_file_is_refused_and_kept() {
    let directory = tempfile::tempdir().unwrap();
    let file = StateFile::new(directory.path().to_owned(), "counts");
    for (text, error) in [
        ("{", Error::Damaged),
        ("{\"version\": 1}", Error::Damaged),
        ("", Error::Damaged),
        ("{\"version\": 2, \"counts\": {}}", Error::OtherVersion { version: 2 }),
    ] {
        fs::write(file.path(), text).unwrap();
        assert_eq!(count(&file, "x"), Err(error));
        assert_eq!(fs::read_to_string(file.path()).unwrap(), text);
    }
}

#[test]
fn update_or_restart_replaces_a_damaged_file() {
    let directory = tempfile::tempdir().unwrap();
    let file = StateFile::new(directory.path().to_owned(), "counts");
    let restart = || {
        file.update_or_restart(|content: &mut Content| {
            *content.counts.entry("x".to_owned()).or_default() += 1;
            Ok::<_, Error>(())
        })
    };
    for damaged in ["{", "", &" ".repeat(usize::try_from(MAX_FILE_BYTES).unwrap() + 1)] {
        fs::write(file.path(), damaged).unwrap();
        restart().unwrap();
        restart().unwrap();
        let content: Content = file.read().unwrap();
        assert_eq!(content.counts, Counts::from([("x".to_owned(), 2)]));
        assert_eq!(fs::read_to_string(directory.path().join("counts.json.damaged")).unwrap(), damaged);
    }
    let newer = "{\"version\": 2, \"counts\": {}}";
    fs::write(file.path(), newer).unwrap();
    assert_eq!(restart(), Err(Error::OtherVersion { version: 2 }));
    assert_eq!(fs::read_to_string(file.path()).unwrap(), newer);
}

#[test]
fn a_content_that_is_too_large_to_be_read_is_not_written() {
    let directory = tempfile::tempdir().unwrap();
    let file = StateFile::new(directory.path().to_owned(), "counts");
    count(&file, "x").unwrap();
    let key = "y".repeat(usize::try_from(MAX_FILE_BYTES).unwrap());
    assert_eq!(count(&file, &key), Err(Error::Unwritable(ErrorKind::FileTooLarge)));
    let content: Content = file.read().unwrap();
    assert_eq!(content.counts, Counts::from([("x".to_owned(), 1)]));
}

#[test]
fn an_unwritable_place_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let occupied = directory.path().join("occupied");
    fs::write(&occupied, "").unwrap();
    let file = StateFile::new(occupied, "counts");
    assert_eq!(count(&file, "x"), Err(Error::NotAFolder));
}

#[test]
fn only_the_owner_may_read_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let folder = directory.path().join("a/b");
    let file = StateFile::new(folder.clone(), "counts");
    count(&file, "x").unwrap();
    assert_eq!((mode(&folder), mode(&file.path())), (0o700, 0o600));
    let lock = folder.join("counts.lock");
    assert_eq!(mode(&lock), 0o600);

    for (path, wide) in [(&folder, 0o755), (&file.path(), 0o644), (&lock, 0o666)] {
        set_mode(path, wide);
    }
    count(&file, "x").unwrap();
    assert_eq!((mode(&folder), mode(&file.path()), mode(&lock)), (0o700, 0o600, 0o600));
}

/// A crash leaves such a file, and another program of the user may have put a link or another name of a file there.
#[test]
fn a_draft_that_is_there_has_no_effect_on_the_file_or_on_others() {
    let directory = tempfile::tempdir().unwrap();
    let file = StateFile::new(directory.path().to_owned(), "counts");
    let (draft, other) = (directory.path().join("counts.json.new"), directory.path().join("other"));
    let prepare: [fn(&Path, &Path); 3] = [
        |draft, _| {
            fs::write(draft, "old").unwrap();
            set_mode(draft, 0o666);
        },
        |draft, other| symlink(other, draft).unwrap(),
        |draft, other| fs::hard_link(other, draft).unwrap(),
    ];
    for prepare in prepare {
        fs::write(&other, "mine").unwrap();
        set_mode(&other, 0o644);
        prepare(&draft, &other);
        count(&file, "x").unwrap();
        assert_eq!(mode(&file.path()), 0o600);
        assert!(!fs::symlink_metadata(file.path()).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&other).unwrap(), "mine");
    }
    let content: Content = file.read().unwrap();
    assert_eq!(content.counts, Counts::from([("x".to_owned(), 3)]));
}

#[test]
fn a_link_in_place_of_the_file_or_its_lock_is_not_followed() {
    let directory = tempfile::tempdir().unwrap();
    let file = StateFile::new(directory.path().to_owned(), "counts");
    let other = directory.path().join("other");
    fs::write(&other, "{\"version\": 1, \"counts\": {}}").unwrap();
    symlink(&other, file.path()).unwrap();
    assert_eq!(file.read::<Content>(), Err(Error::Damaged));
    assert_eq!(count(&file, "x"), Err(Error::Damaged));
    fs::remove_file(file.path()).unwrap();

    let lock = directory.path().join("counts.lock");
    fs::remove_file(&lock).unwrap();
    symlink(directory.path().join("elsewhere"), &lock).unwrap();
    assert!(matches!(count(&file, "x"), Err(Error::Unwritable(_))));
    assert!(!directory.path().join("elsewhere").exists());
}

#[test]
fn a_folder_that_others_can_write_to_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let file = StateFile::new(directory.path().to_owned(), "counts");
    count(&file, "x").unwrap();
    for wide in [0o770, 0o702, 0o777] {
        set_mode(directory.path(), wide);
        assert_eq!(file.read::<Content>(), Err(Error::OpenToOthers));
        assert_eq!(count(&file, "x"), Err(Error::OpenToOthers));
    }
    set_mode(directory.path(), 0o700);
    count(&file, "x").unwrap();
}

/// Only root can give a file away.
#[test]
fn a_folder_or_file_of_another_user_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let folder = directory.path().join("state");
    let file = StateFile::new(folder.clone(), "counts");
    count(&file, "x").unwrap();
    for path in [file.path(), folder] {
        if chown(&path, Some(12_345), None).is_err() {
            println!("not tested: this user may not give files away");
            return;
        }
        assert_eq!(file.read::<Content>(), Err(Error::NotOurs), "{}", path.display());
        assert_eq!(count(&file, "x"), Err(Error::NotOurs), "{}", path.display());
        chown(&path, Some(rustix::process::geteuid().as_raw()), None).unwrap();
    }
    count(&file, "x").unwrap();
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_check_says_what_the_next_write_would_and_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().join("state");
    let file = StateFile::new(place.clone(), "counts");
    let check = || file.check::<Content>();
    symlink(directory.path().join("nowhere"), &place).unwrap();
    assert_eq!(check(), Err(Error::NotAFolder));
    fs::remove_file(&place).unwrap();
    fs::write(&place, "").unwrap();
    assert_eq!(check(), Err(Error::NotAFolder));
    assert_eq!(count(&file, "x"), Err(Error::NotAFolder));
    fs::remove_file(&place).unwrap();
    assert_eq!(check(), Ok(()));
    assert!(!file.path().exists());
    count(&file, "x").unwrap();
    let before = fs::read(file.path()).unwrap();
    assert_eq!(check(), Ok(()));
    assert_eq!(fs::read(file.path()).unwrap(), before);
    assert_eq!(fs::read_dir(&place).unwrap().count(), 2, "the file and its lock");
    // The file can be read, but not replaced.
    fs::create_dir(place.join("counts.json.new")).unwrap();
    assert!(matches!(check(), Err(Error::Unwritable(_))));
}
