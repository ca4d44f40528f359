//! Other programs of the same user cannot read the daemon.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use testkit::patience::run_within;
use testkit::{own_process, programs, tested};

use super::{Bench, DAEMON};

/// The user id of `nobody` on Debian, a user without special permissions.
const NOBODY: &str = "65534";
const PROGRAM: &str = "OATHBRIDGED_OF_NOBODY";
const UNPROTECTED: &str = "CAT_OF_NOBODY";

/// The journal's line about a program that its user can read.
const READABLE: &str = "this user can read the program's file";

/// A program that waits for the end of its standard input, so it also ends with this process.
struct OpenBook(Child);

impl OpenBook {
    fn new(cat: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new(cat);
        Self(command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for OpenBook {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[test]
fn other_programs_of_the_user_cannot_read_the_daemon() {
    // Root can read everything, so the test continues as another user, who may be unable to read its files.
    let directory = tempfile::tempdir().unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let copy = |from: &Path, name| {
        let to = directory.path().join(name);
        programs::copy(from, &to).unwrap();
        to
    };
    let test = copy(&std::env::current_exe().unwrap(), "test");
    let daemon = copy(&tested::program(DAEMON).unwrap(), "oathbridged");
    let cat = copy(Path::new("/usr/bin/cat"), "cat");
    let is_root = rustix::process::geteuid().is_root();
    let run = || {
        let mut command = if is_root { Command::new("setpriv") } else { Command::new("env") };
        if is_root {
            command.args(["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"]);
        }
        command.arg(&test).env(PROGRAM, &daemon).env(UNPROTECTED, &cat).env_remove("TMPDIR").current_dir("/");
        own_process::run_with(&mut command, "secrets::process::other_half").unwrap();
    };
    run();
    if is_root {
        // As it is installed: another user can run it, and not read it.
        for program in [&daemon, &cat] {
            fs::set_permissions(program, fs::Permissions::from_mode(0o711)).unwrap();
        }
        run();
    }
}

/// A debugger that attaches before the daemon protects itself could undo the protection.
#[test]
fn the_daemon_ends_under_a_debugger() {
    let daemon = tested::program(DAEMON).unwrap();
    let tracer = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs/secrets/tracer.py");
    let mut traced = Command::new("/usr/bin/python3");
    traced.arg(tracer).arg(&daemon).arg("--version");
    let mut alone = Command::new(&daemon);
    alone.arg("--version");
    let [traced, alone] = [traced, alone].map(|mut command| {
        let output = run_within(&mut command, Duration::from_secs(60)).unwrap();
        (output.status.success(), String::from_utf8(output.stderr).unwrap())
    });
    assert!(!traced.0 && traced.1.contains("a debugger is attached"), "{}", traced.1);
    assert!(alone.0, "{}", alone.1);
}

#[tokio::test]
#[ignore = "run by other_programs_of_the_user_cannot_read_the_daemon, as another user where need be"]
async fn other_half() {
    let program = std::env::var_os(PROGRAM).unwrap();
    let bench = Bench::new(&program).await;
    bench.unlock().await;
    let is_readable = File::open(&program).is_ok();
    assert_eq!(bench.world.stage.log().unwrap().contains(READABLE), is_readable);
    // Checks that a refusal is meaningful: this user can read an unprotected program.
    let open_book = OpenBook::new("cat");
    let look =
        |id: u32, name| File::open(format!("/proc/{id}/{name}")).map(drop).map_err(|error| error.kind());
    for name in ["mem", "environ", "maps", "auxv"] {
        assert_eq!(look(open_book.0.id(), name), Ok(()), "{name}");
        assert_eq!(look(bench.process(), name), Err(ErrorKind::PermissionDenied), "{name}");
    }
    // The kernel closes a program that its user cannot read from the first instruction on, before it can protect itself.
    let unprotected = OpenBook::new(std::env::var_os(UNPROTECTED).unwrap());
    assert_eq!(look(unprotected.0.id(), "mem").is_ok(), is_readable);
    assert!(fs::read_dir(format!("/proc/{}/fd", open_book.0.id())).is_ok());
    assert!(fs::read_dir(format!("/proc/{}/fd", bench.process())).is_err());

    let limits = fs::read_to_string(format!("/proc/{}/limits", bench.process())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    let numbers: Vec<_> = core.split_whitespace().skip(4).take(2).collect();
    assert_eq!(numbers, ["0", "0"], "{core}");
}
