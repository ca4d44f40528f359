//! The output of the tool on a terminal.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use unicode_width::UnicodeWidthStr;

use super::rig::{PASSWORD, Rig};

/// The timeout for a text on a terminal, which only a failure reaches.
const LIMIT: Duration = Duration::from_secs(60);

/// The two ends of a terminal: that of the user, and that of the program.
pub(super) fn terminal() -> (File, File) {
    let person: OwnedFd = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&person).unwrap();
    unlockpt(&person).unwrap();
    let name = ptsname(&person, Vec::new()).unwrap();
    let program = OpenOptions::new().read(true).write(true).open(name.to_str().unwrap()).unwrap();
    (person.into(), program)
}

/// Reads until this text is shown, and returns everything shown so far. Fails after a minute.
pub(super) fn until(source: &mut File, words: &str) -> String {
    let end = Instant::now() + LIMIT;
    let mut shown = Vec::new();
    let mut byte = [0];
    while !String::from_utf8_lossy(&shown).contains(words) {
        let left = Timespec::try_from(end.saturating_duration_since(Instant::now())).unwrap();
        let ready = poll(&mut [PollFd::new(source, PollFlags::IN)], Some(&left)).unwrap();
        assert_eq!(ready, 1, "{words:?} is not shown: {:?}", String::from_utf8_lossy(&shown));
        assert_eq!(source.read(&mut byte).unwrap(), 1, "{}", String::from_utf8_lossy(&shown));
        shown.push(byte[0]);
    }
    String::from_utf8(shown).unwrap()
}

/// Everything that the terminal shows until the program ends. Fails after a minute without anything new.
pub(super) fn rest(person: &mut File) -> String {
    let mut shown = Vec::new();
    let mut bytes = [0; 256];
    let limit = Timespec::try_from(LIMIT).unwrap();
    loop {
        let ready = poll(&mut [PollFd::new(person, PollFlags::IN)], Some(&limit)).unwrap();
        assert_eq!(ready, 1, "the program does not end: {:?}", String::from_utf8_lossy(&shown));
        // On Linux reading fails when the other end of a terminal is closed.
        let Ok(count @ 1..) = person.read(&mut bytes) else { break };
        shown.extend_from_slice(&bytes[..count]);
    }
    String::from_utf8(shown).unwrap()
}

fn set_width(person: &File, columns: u16) {
    let size = Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(person, size).unwrap();
}

fn start(rig: &Rig, arguments: &[&str], program: File) -> Child {
    rig.tool()
        .args(arguments)
        .env("TERM", "xterm")
        .stdin(program.try_clone().unwrap())
        .stdout(Stdio::piped())
        .stderr(program)
        .spawn()
        .unwrap()
}

#[test]
fn the_terminal_does_not_show_the_password() {
    let rig = Rig::with_locked();
    let (mut person, program) = terminal();
    let mut child = start(&rig, &["unlock"], program);
    until(&mut person, "Password (not shown): ");
    // Corrections: a character of two bytes is deleted, and a whole line.
    person.write_all("nonsense\x15ü\x7f".as_bytes()).unwrap();
    person.write_all(PASSWORD.as_bytes()).unwrap();
    person.write_all(b"\r").unwrap();
    let shown = rest(&mut person);
    assert_eq!(child.wait().unwrap().code(), Some(0), "{shown}");
    assert!(shown.contains("is unlocked") && !shown.contains("sesame"), "{shown}");
}

#[test]
fn an_access_token_longer_than_a_terminal_line_is_read_completely() {
    let rig = Rig::start();
    let (mut person, program) = terminal();
    let mut child = start(&rig, &["verify", "alice", "--profile", "work"], program);
    until(&mut person, "Access token (not shown): ");
    // If it were cut at 4095 bytes, the error would be about missing parts.
    let token = format!("{}.{}", "a".repeat(9_000), "b.c");
    person.write_all(token.as_bytes()).unwrap();
    person.write_all(b"\n").unwrap();
    let shown = rest(&mut person);
    assert_eq!(child.wait().unwrap().code(), Some(2), "{shown}");
    assert!(!shown.contains("does not have three parts") && shown.contains("access token"), "{shown}");
}

#[test]
fn an_interrupt_restores_the_terminal() {
    let rig = Rig::with_locked();
    let (mut person, program) = terminal();
    let before = rustix::termios::tcgetattr(&program).unwrap().local_modes;
    let keeper = program.try_clone().unwrap();
    let mut child = start(&rig, &["unlock"], program);
    until(&mut person, "(not shown): ");
    assert_ne!(rustix::termios::tcgetattr(&keeper).unwrap().local_modes, before);
    person.write_all(b"half\x03").unwrap();
    until(&mut person, "Cancelled");
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert_eq!(rustix::termios::tcgetattr(&keeper).unwrap().local_modes, before);
}

#[test]
fn a_wait_is_shown_as_a_countdown_and_then_erased() {
    let rig = Rig::start();
    let (mut person, program) = terminal();
    let mut child = start(&rig, &["code", "touched"], program);
    let shown = rest(&mut person);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(shown.starts_with("\r\x1b[KTouch the token YubiKey 5 …2222 now (waits up to 35 s)"), "{shown:?}");
    assert!(shown.ends_with("\r\x1b[K"), "{shown:?}");
}

#[test]
fn a_pasted_challenge_is_read_to_its_end() {
    let rig = Rig::start();
    let (mut person, program) = terminal();
    let challenge = ["challenge", "--profile", "work", "--client-id", "client1"];
    let mut child = start(&rig, &challenge, program);
    until(&mut person, "Challenge (not shown): ");
    person.write_all(b"{\n  \"ChallengeName\": \"SMS_MFA\",\n  \"Session\": \"s3cret\"\n}\n").unwrap();
    let shown = rest(&mut person);
    assert_eq!(child.wait().unwrap().code(), Some(2), "{shown}");
    assert!(shown.contains("Cognito asked for SMS_MFA") && !shown.contains("s3cret"), "{shown}");
}

#[test]
fn a_countdown_and_a_table_fit_a_narrow_terminal() {
    let rig = Rig::start();
    let (mut person, program) = terminal();
    set_width(&person, 30);
    let mut child = start(&rig, &["code", "touched"], program.try_clone().unwrap());
    child.wait().unwrap();
    let mut list = rig.tool();
    list.arg("list").env("TERM", "xterm").stdout(program.try_clone().unwrap()).stderr(program);
    assert!(list.status().unwrap().success());
    drop(list);
    let shown = rest(&mut person);
    let (countdown, table) = shown.split_once("\x1b[1m").unwrap();
    for line in countdown.split("\r\x1b[K") {
        assert!(line.width() < 30, "{line}");
    }
    assert!(countdown.contains("…") && table.starts_with("ISSU"), "{shown:?}");
    for line in table.lines() {
        assert!(line.trim_end_matches("\r").replace("\x1b[0m", "").width() <= 30, "{line:?}");
    }
}

/// What the command shows on a terminal that is its standard output and standard error.
fn shown(rig: &Rig, arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let (mut person, program) = terminal();
    set_width(&person, 100);
    let mut command = rig.tool();
    command.args(arguments).env("TERM", "xterm").envs(variables.iter().copied());
    command.stdout(program.try_clone().unwrap()).stderr(program);
    let status = command.status().unwrap();
    drop(command);
    let shown = rest(&mut person);
    assert!(status.success(), "{shown}");
    shown
}

/// The number of seconds between these words.
fn seconds(text: &str, before: &str, after: &str) -> Option<u64> {
    text.split_once(before)?.1.split_once(after)?.0.parse().ok()
}

/// Elsewhere `code.rs` has whole outputs, without a time.
#[test]
fn the_time_that_a_code_is_valid_is_shown_on_a_terminal() {
    let rig = Rig::start();
    let one = shown(&rig, &["code", "alice"], &[]);
    assert!(seconds(&one, "Valid for ", " s.").is_some_and(|left| left <= 30), "{one:?}");
    let all = shown(&rig, &["code"], &[]);
    let row = all.lines().find(|line| line.starts_with("AWS ")).unwrap();
    let cells: Vec<_> = row.split_whitespace().collect();
    assert!(all.contains("ISSUER") && all.contains("  LEFT  "), "{all:?}");
    assert!(cells[3].parse::<u64>().is_ok_and(|left| left <= 30) && cells[4] == "s", "{row:?}");
    assert!(!shown(&rig, &["code", "alice", "--quiet"], &[]).contains("Valid"));
}

#[test]
fn the_head_of_a_table_is_bold_unless_the_user_wants_no_color() {
    let rig = Rig::start();
    for (variables, is_bold) in [
        (&[][..], true),
        (&[("NO_COLOR", "")], true),
        (&[("NO_COLOR", "1")], false),
        (&[("TERM", "dumb")], false),
    ] {
        let shown = shown(&rig, &["list"], variables);
        assert_eq!(shown.starts_with("\x1b[1mISSUER"), is_bold, "{shown:?}");
        assert_eq!(shown.contains('\x1b'), is_bold, "{shown:?}");
    }
}

#[test]
fn forget_asks_for_a_confirmation() {
    let rig = Rig::start();
    rig.use_steps("alice", 5);
    for (answer, code, left) in [("n\n", 1, 1), ("\n", 1, 1), ("y\n", 0, 0)] {
        let (mut person, program) = terminal();
        let mut child = start(&rig, &["guard", "forget", "alice"], program);
        let asked = until(&mut person, "[y/N] ");
        assert!(asked.contains("a second time") && asked.contains("AWS:alice"), "{asked}");
        person.write_all(answer.as_bytes()).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(code));
        assert_eq!(rig.guard().show().unwrap().len(), left);
    }
}
