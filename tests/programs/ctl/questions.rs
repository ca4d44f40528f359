//! The questions of `profile add` on a terminal.

use std::fs;
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus, Stdio};

use super::rig::{Rig, program};
use super::terminal::{rest, terminal, until};

/// The questions, in order.
const QUESTIONS: [&str; 4] =
    ["User pool id", "App client id", "Issuer of the credential", "Account of the credential"];

/// The configuration of the daemon.
const FILE: &str = "config/oathbridge/config.toml";

/// Runs `profile add home` and types each answer after its question. Returns what the terminal has shown then.
fn add(rig: &Rig, mut command: Command, answers: &[&[u8]]) -> (ExitStatus, String) {
    let (mut person, user) = terminal();
    command.args(["profile", "add", "home"]).env("XDG_CONFIG_HOME", rig.file("config"));
    command.stdin(user.try_clone().unwrap()).stdout(Stdio::null()).stderr(user);
    let mut child = command.spawn().unwrap();
    drop(command);
    for (question, answer) in QUESTIONS.iter().zip(answers) {
        until(&mut person, question);
        until(&mut person, ": ");
        person.write_all(answer).unwrap();
    }
    let shown = rest(&mut person);
    (child.wait().unwrap(), shown)
}

fn text(rig: &Rig) -> String {
    fs::read_to_string(rig.file(FILE)).unwrap()
}

#[test]
fn the_answers_are_the_profile_and_an_empty_one_is_left_out() {
    let rig = Rig::start();
    let before = text(&rig);
    let (status, shown) =
        add(&rig, rig.tool(), &[b"eu-central-1_AbCdEfGhI\n", b"\n", b" AWS \n", b"touched\n"]);
    assert_eq!(status.code(), Some(0), "{shown}");
    assert!(shown.contains("oathbridgectl profile test home"), "{shown}");
    let profile = "[profiles.home]\nuser_pool_id = \"eu-central-1_AbCdEfGhI\"\nissuer = \"AWS\"\naccount = \"touched\"\n";
    let after = text(&rig);
    let lines =
        |text: &str| text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    assert!(after.contains(profile), "{after}");
    assert_eq!(lines(&after.replace(profile, "")), lines(&before));
    let names: Vec<_> = rig.run(&["complete", "profiles"]).out.lines().map(str::to_owned).collect();
    assert_eq!(names, ["home", "work"]);
}

#[test]
fn without_any_answer_nothing_is_written() {
    let rig = Rig::start();
    let before = text(&rig);
    let (status, shown) = add(&rig, rig.tool(), &[&b"\n"[..]; 4]);
    assert_eq!(status.code(), Some(2), "{shown}");
    assert!(shown.contains("region"), "{shown}");
    assert_eq!(text(&rig), before);
}

#[test]
fn the_end_of_the_input_and_an_interrupt_write_nothing() {
    let rig = Rig::start();
    let before = text(&rig);
    let first: &[u8] = b"eu-central-1_AbCdEfGhI\n";
    // ^D at the start of a line ends the input.
    let (status, shown) = add(&rig, rig.tool(), &[first, b"\x04"]);
    assert_eq!(status.code(), Some(1), "{shown}");
    assert!(shown.contains("Cancelled, so nothing was written; run the command again to add"), "{shown}");
    assert_eq!(text(&rig), before);
    // In the middle of a line the first ^D sends what was typed.
    let (status, shown) = add(&rig, rig.tool(), &[first, b"\n", b"AWS\n", b"touched\x04\x04"]);
    assert_eq!(status.code(), Some(1), "{shown}");
    assert!(shown.contains("Cancelled, so nothing was written"), "{shown}");
    assert_eq!(text(&rig), before);
    // Only the terminal of a session turns ^C into a signal, which programs in the background ignore, and so would these tests.
    let mut session = rig.command("setsid");
    session.args(["--ctty", "env", "--default-signal=INT"]).arg(program());
    let (status, shown) = add(&rig, session, &[first, b"client1\n", b"AWS\n", b"touched\x03"]);
    assert_eq!(status.signal(), Some(2), "{status} {shown}");
    assert_eq!(text(&rig), before);
    assert_eq!(fs::read_dir(rig.file(FILE).parent().unwrap()).unwrap().count(), 1);
}
