//! The lines of the daemon in the journal: each has a priority, and no text can forge one.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::io::{Read, pipe};
use std::process::Command;
use std::time::Duration;

use rustix::fs::fstat;
use testkit::patience::run_with_stderr;

/// Only a daemon that hangs gets here.
const EXIT_TIMEOUT: Duration = Duration::from_secs(60);

/// Names the stream of the journal, see systemd.exec(5).
const STREAM: &str = "JOURNAL_STREAM";

/// Makes this program panic in a test.
const PANICS: &str = "OATHBRIDGE_TEST_PANICS";

/// What a program says on standard error, which is the stream that the variable names.
fn said_by(command: &mut Command, code: i32) -> String {
    let (mut reader, writer) = pipe().unwrap();
    let status = fstat(&writer).unwrap();
    command.env(STREAM, format!("{}:{}", status.st_dev, status.st_ino));
    let output = run_with_stderr(command, EXIT_TIMEOUT, writer.into()).unwrap();
    assert_eq!(output.status.code(), Some(code));
    // It has the writer.
    *command = Command::new("true");
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    text
}

/// What a daemon says that ends with an error, on the stream that the variable names, or on another one.
fn said(is_named: bool) -> String {
    let folder = tempfile::tempdir().unwrap();
    let (mut reader, writer) = pipe().unwrap();
    let status = fstat(&writer).unwrap();
    let inode = if is_named { status.st_ino } else { status.st_ino + 1 };
    let mut daemon = Command::new(env!("CARGO_BIN_EXE_oathbridged"));
    daemon
        .arg("--virtual-token=/nowhere\n<0>forged")
        .env(STREAM, format!("{}:{inode}", status.st_dev))
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
fn an_error_of_the_arguments_is_one_line_in_the_journal() {
    let text = said_by(Command::new(env!("CARGO_BIN_EXE_oathbridged")).arg("x\n<0>forged"), 2);
    let lines: Vec<_> = text.lines().filter(|line| line.contains("forged")).collect();
    assert!(matches!(lines[..], [line] if line.starts_with("<3>")), "{text}");
    assert!(text.lines().all(|line| line.starts_with("<3>") || line.starts_with("<4>")), "{text}");
}

/// This test runs itself in another process, because a hook is that of a whole process.
#[test]
fn a_panic_is_one_line_with_the_priority_of_an_error() {
    if std::env::var_os(PANICS).is_some() {
        oathbridge::logging::print_panics();
        panic!("{}", "one\n<0>forged");
    }
    let mut own = Command::new(std::env::current_exe().unwrap());
    let name = "journal::a_panic_is_one_line_with_the_priority_of_an_error";
    own.args(["--exact", name, "--nocapture"]).env(PANICS, "1");
    let text = said_by(&mut own, 101);
    let lines: Vec<_> = text.lines().filter(|line| line.contains("forged")).collect();
    assert!(matches!(lines[..], [line] if line.starts_with("<3>the program panicked at tests/")), "{text}");
    assert!(lines[0].ends_with(": one\\u{a}<0>forged"), "{text}");
}

#[test]
fn lines_outside_of_the_journal_have_no_prefix() {
    let text = said(false);
    assert!(text.lines().all(|line| !line.starts_with('<')), "{text}");
    assert!(text.lines().last().unwrap().starts_with("oathbridged: /nowhere\\u{a}<0>forged"), "{text}");
}
