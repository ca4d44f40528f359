//! `scripts/demo`: it shows the expected results, fails otherwise, and cleans up.

#![allow(clippy::unwrap_used, clippy::panic, reason = "the whole file is a test")]

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process, test_kill_process_group};
use tempfile::TempDir;
use testkit::{programs, tested};

/// A folder with the programs to test and with fake-cognito, which `cargo test --workspace` builds.
fn built() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let ours = [env!("CARGO_BIN_EXE_oathbridged"), env!("CARGO_BIN_EXE_oathbridgectl")].map(Path::new);
    let cognito = ours[0].with_file_name("fake-cognito");
    assert!(cognito.exists(), "run cargo build --release --workspace --bins first");
    for program in ours.map(|program| tested::program(program).unwrap()).into_iter().chain([cognito]) {
        symlink(&program, folder.path().join(program.file_name().unwrap())).unwrap();
    }
    folder
}

/// The script in its own process group, with its own folder for temporary files.
struct Demo {
    child: Child,
    output: BufReader<std::process::ChildStdout>,
    shown: String,
    folder: TempDir,
}

impl Demo {
    fn start(built: &Path, keep: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/demo"));
        let mut child = command
            .env("OATHBRIDGE_BIN_DIR", built)
            .env("TMPDIR", folder.path())
            .env("KEEP", if keep { "1" } else { "" })
            .env_remove("DBUS_SESSION_BUS_ADDRESS")
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { child, output, shown: String::new(), folder }
    }

    /// The rest of the first line with this prefix.
    fn line(&mut self, beginning: &str) -> String {
        loop {
            let mut line = String::new();
            if self.output.read_line(&mut line).unwrap() == 0 {
                panic!("there is no line {beginning:?} in {}", self.shown);
            }
            self.shown += &line;
            if let Some(rest) = line.trim_end().strip_prefix(beginning) {
                return rest.to_owned();
            }
        }
    }

    fn terminate(&self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
    }

    /// Waits for its end, and returns exit status, output and errors.
    fn end(mut self) -> (ExitStatus, String, String) {
        self.output.read_to_string(&mut self.shown).unwrap();
        let group = Pid::from_child(&self.child);
        let Output { status, stderr, .. } = self.child.wait_with_output().unwrap();
        assert!(test_kill_process_group(group).is_err(), "a process is still running");
        let left: Vec<_> =
            fs::read_dir(self.folder.path()).unwrap().map(|file| file.unwrap().path()).collect();
        assert!(left.is_empty(), "files were not removed: {left:?}");
        (status, self.shown, String::from_utf8(stderr).unwrap())
    }
}

#[test]
fn it_shows_the_main_job_and_ends() {
    let built = built();
    let (status, shown, complaints) = Demo::start(built.path(), false).end();
    assert!(status.success(), "{shown}{complaints}");
    assert_eq!(complaints, "");
    assert!(!shown.contains('\u{1b}'), "colours are for terminals");
    let printed_after = |command: &str| {
        let (_, rest) = shown.split_once(&format!("\n$ {command}")).unwrap_or_else(|| panic!("no {command}"));
        let printed = rest.split_once('\n').unwrap().1;
        printed.split("\n\n").next().unwrap().to_owned()
    };
    assert!(printed_after("busctl --user tree $NAME").contains("/credentials/ykoath_"));
    assert!(printed_after("busctl --user introspect $NAME $ALICE").contains(".Calculate"));
    assert!(
        printed_after("busctl --user call $NAME $ALICE $NAME.Credential Calculate").starts_with("stta{sv}")
    );
    let slot = printed_after("busctl --user call $NAME $FRANK $NAME.Credential Calculate");
    assert!(slot.starts_with("stta{sv}"), "over the keyboard interface");
    let nitrokey = printed_after("busctl --user call $NAME $GRACE $NAME.Credential Calculate");
    assert!(nitrokey.starts_with("stta{sv}"), "over the FIDO interface");
    let verify = "busctl --user call $NAME $ROOT $NAME.Cognito VerifySoftwareToken 'oa{sv}'";
    let with_token = "profile s demo access-token s $ACCESS_TOKEN";
    assert!(printed_after(&format!("{verify} $ALICE 2 {with_token}")).starts_with("ssa{sv} \"SUCCESS\""));
    assert_eq!(shown.matches("ssa{sv} \"SUCCESS\"").count(), 2);
    assert!(printed_after(&format!("{verify} $ALICE 3 {with_token} timeout u 8")).contains("already used"));
    assert!(printed_after(&format!("{verify} $CAROL")).contains("Cognito requires SHA1"));
    assert!(printed_after("cat \"$JOURNAL\"").contains("StepSpent"));
}

#[test]
fn it_can_be_kept_for_playing() {
    let built = built();
    let mut demo = Demo::start(built.path(), true);
    let address = demo.line("  export DBUS_SESSION_BUS_ADDRESS=");
    demo.line("To stop it, press Ctrl-C");
    let status = Command::new("busctl")
        .env("DBUS_SESSION_BUS_ADDRESS", address.trim_matches('\''))
        .args(["--user", "call", "io.github.oathbridge.OathBridge1", "/io/github/oathbridge/OathBridge1"])
        .args(["org.freedesktop.DBus.Peer", "Ping"])
        .stdout(Stdio::null())
        .status();
    demo.terminate();
    assert!(status.unwrap().success());
    let (status, shown, complaints) = demo.end();
    assert!(status.success(), "{shown}{complaints}");
}

#[test]
fn it_can_be_stopped_in_the_middle() {
    let built = built();
    let mut demo = Demo::start(built.path(), false);
    demo.line("$ busctl");
    demo.terminate();
    assert_eq!(demo.end().0.code(), Some(143));
}

#[test]
fn the_demo_fails_if_a_step_has_an_unexpected_result() {
    let built = built();
    let folder = tempfile::tempdir().unwrap();
    let replace = |name: &str, script: String| {
        programs::script(folder.path().join(name), &script).unwrap();
    };
    // A pool that knows another seed than the token's.
    let real = built.path().join("fake-cognito").display().to_string();
    let secret = folder.path().join("secret").display().to_string();
    fs::write(&secret, "MZXW6YTBOI").unwrap();
    replace("fake-cognito", format!("#!/bin/sh\nexec '{real}' --secret-file '{secret}' --user alice\n"));
    let daemon = built.path().join("oathbridged").display().to_string();
    replace("oathbridged", format!("#!/bin/sh\nexec '{daemon}' \"$@\"\n"));
    let (status, shown, complaints) = Demo::start(folder.path(), false).end();
    assert_eq!(status.code(), Some(1), "{shown}");
    assert!(complaints.contains("the command failed, but it should have succeeded"), "{complaints}");
    assert!(!shown.contains("SUCCESS"), "{shown}");
}
