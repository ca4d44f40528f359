//! The lines of the daemon in the journal: each has a priority, and no text can forge one.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::io::{Read, pipe};
use std::process::Command;
use std::time::Duration;

use rustix::fs::fstat;
use testkit::patience::run_with_stderr;

/// Only a daemon that hangs gets here.
const EXIT_TIMEOUT: Duration = Duration::from_secs(60);

/// What a daemon says that ends with an error, on the stream that the variable names, or on another one.
fn said(is_named: bool) -> String {
    let folder = tempfile::tempdir().unwrap();
    let (mut reader, writer) = pipe().unwrap();
    let status = fstat(&writer).unwrap();
    let inode = if is_named { status.st_ino } else { status.st_ino + 1 };
    let mut daemon = Command::new(env!("CARGO_BIN_EXE_oathbridged"));
    daemon
        .arg("--virtual-token=/nowhere\n<0>forged")
        .env("JOURNAL_STREAM", format!("{}:{inode}", status.st_dev))
        .env("HOME", folder.path())
        .env_remove("XDG_CONFIG_HOME");
    assert_eq!(run_with_stderr(&mut daemon, EXIT_TIMEOUT, writer.into()).unwrap().status.code(), Some(1));
    drop(daemon);
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn an_error_has_its_priority_in_the_journal_and_no_text_begins_a_line() {
    let text = said(true);
    let lines: Vec<_> = text.lines().collect();
    // A warning about a file that this user can read may come first.
    assert!(lines.iter().all(|line| line.starts_with("<3>") || line.starts_with("<4>")), "{text}");
    let error = lines.last().unwrap();
    assert!(error.starts_with("<3>oathbridged: /nowhere\\u{a}<0>forged is not usable"), "{text}");
}

#[test]
fn lines_outside_of_the_journal_have_no_prefix() {
    let text = said(false);
    assert!(text.lines().all(|line| !line.starts_with('<')), "{text}");
    assert!(text.lines().last().unwrap().starts_with("oathbridged: /nowhere\\u{a}<0>forged"), "{text}");
}
