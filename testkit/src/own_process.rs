//! A test in a process of its own, for what belongs to a process: its environment, its subscriber for logs, its user.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::patience::run_with_stderr;

/// Far longer than one test takes.
const TEST_TIMEOUT: Duration = Duration::from_secs(300);

/// The variable that leads a process to its folder.
const FOLDER: &str = "TESTKIT_FOLDER";

/// The variable with the home that the user has outside the test.
const USER_HOME: &str = "TESTKIT_USER_HOME";

/// What is in that folder.
const HOME: &str = "home";
const PCSCD: &str = "pcscd";
const SYSTEM_BUS: &str = "system";

/// The folder of a process that was started by [`run_async`].
#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// That of this process, if it has one.
    pub fn own() -> Option<Self> {
        std::env::var_os(FOLDER).map(PathBuf::from).map(Self)
    }

    /// The home of whatever the test runs; there is none yet.
    ///
    /// # Errors
    ///
    /// When there is one, or no room for files.
    pub fn home(&self) -> io::Result<TempDir> {
        self.place(HOME)
    }

    /// Where a private pcscd has to be for libpcsclite to find it, which reads the environment once.
    ///
    /// # Errors
    ///
    /// As [`Folder::home`].
    pub fn pcscd(&self) -> io::Result<TempDir> {
        self.place(PCSCD)
    }

    /// Where a bus has to be for this process to take it for the system's.
    ///
    /// # Errors
    ///
    /// As [`Folder::home`].
    pub fn system_bus(&self) -> io::Result<TempDir> {
        self.place(SYSTEM_BUS)
    }

    /// What this process writes to its standard error.
    pub fn log(&self) -> PathBuf {
        self.0.join("log")
    }

    /// A folder of exactly this name, which its owner removes.
    fn place(&self, name: &str) -> io::Result<TempDir> {
        tempfile::Builder::new().prefix(name).rand_bytes(0).tempdir_in(&self.0)
    }

    fn lead(&self, command: &mut Command) {
        if let Some(home) = user_home() {
            command.env(USER_HOME, home);
        }
        let address = format!("unix:path={}", self.0.join(SYSTEM_BUS).join("bus").display());
        command
            .env(FOLDER, &self.0)
            .env("HOME", self.0.join(HOME))
            .env("CREDENTIALS_DIRECTORY", self.0.join(HOME).join("credentials"))
            .env("PCSCLITE_CSOCK_NAME", crate::pcscd::socket_in(&self.0.join(PCSCD)))
            .env("DBUS_SYSTEM_BUS_ADDRESS", address)
            .env_remove("DBUS_SESSION_BUS_ADDRESS");
    }
}

/// Runs a test in a process of its own, which the attribute `testkit::test` names: in the test program that cargo
/// started, by starting it again for this test alone, and there, by waiting for `body`.
///
/// # Panics
///
/// When the test fails.
#[expect(clippy::panic, reason = "so a test says that it has failed")]
pub fn run_async(test: &str, body: impl Future<Output = ()>) {
    let result = match Folder::own() {
        Some(_) => {
            tokio::runtime::Builder::new_current_thread().enable_all().build().map(|one| one.block_on(body))
        }
        None => run_in_a_folder(test),
    };
    result.unwrap_or_else(|error| panic!("{error}"));
}

/// The home of the user: of whoever has configured the package registries, and not of this test.
pub(crate) fn user_home() -> Option<OsString> {
    std::env::var_os(USER_HOME).or_else(|| std::env::var_os("HOME"))
}

fn run_in_a_folder(test: &str) -> io::Result<()> {
    // libtest doesn't say the name of the program's crate.
    let (_, test) = test.split_once("::").ok_or(io::ErrorKind::InvalidInput)?;
    let folder = tempfile::Builder::new().prefix("testkit-").tempdir()?;
    let of_test = Folder(folder.path().to_owned());
    let mut command = Command::new(std::env::current_exe()?);
    of_test.lead(&mut command);
    let log = Stdio::from(fs::File::create(of_test.log())?);
    passed(&mut command, test, log).map_err(|error| {
        let log = fs::read(of_test.log()).unwrap_or_default();
        io::Error::other(format!("{error}\nits log:\n{}", String::from_utf8_lossy(&log)))
    })
}

/// Starts the running test program again for one of its tests, an ignored one or not, and waits until it has passed.
///
/// # Errors
///
/// As [`run_with`].
pub fn run(test: &str) -> io::Result<()> {
    run_with(&mut Command::new(std::env::current_exe()?), test)
}

/// As [`run`], with a command that already has the test program and, where needed, variables.
///
/// # Errors
///
/// When it can't be started, has no such test, or the test fails; the error has what it wrote.
pub fn run_with(command: &mut Command, test: &str) -> io::Result<()> {
    passed(command, test, Stdio::piped())
}

fn passed(command: &mut Command, test: &str, stderr: Stdio) -> io::Result<()> {
    command.args(["--exact", test, "--include-ignored"]);
    let output = run_with_stderr(command, TEST_TIMEOUT, stderr)?;
    let said = String::from_utf8_lossy(&output.stdout);
    // A program without a test of this name succeeds as well.
    if output.status.success() && said.contains("test result: ok. 1 passed") {
        return Ok(());
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!("{test} has not passed in a process of its own: {said}{complaint}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[ignore = "run by an_installer_has_the_home_of_the_user"]
    fn the_installer_says_its_home() {
        let home = Folder::own().unwrap().0.join(HOME);
        let mut installer = Command::new("sh");
        installer.args(["-c", "mkdir -p \"$HOME\" && test \"$HOME\" = \"$0\""]);
        crate::installed::run(installer.arg(user_home().unwrap())).unwrap();
        assert!(!home.exists(), "an installer has made the home of a test");
    }

    #[test]
    fn an_installer_has_the_home_of_the_user() {
        let folder = tempfile::tempdir().unwrap();
        let mut again = Command::new(std::env::current_exe().unwrap());
        Folder(folder.path().to_owned()).lead(&mut again);
        run_with(&mut again, "own_process::tests::the_installer_says_its_home").unwrap();
    }

    #[test]
    #[ignore = "run by a_test_passes_in_a_process_of_its_own"]
    fn passes() {
        assert_eq!(std::env::var("TESTKIT_SAYS").as_deref(), Ok("yes"));
    }

    #[test]
    fn a_test_passes_in_a_process_of_its_own() {
        let again = || Command::new(std::env::current_exe().unwrap());
        run_with(again().env("TESTKIT_SAYS", "yes"), "own_process::tests::passes").unwrap();
        let error = run("own_process::tests::passes").unwrap_err().to_string();
        assert!(error.contains("passes ... FAILED"), "{error}");
        let error = run("own_process::tests::passed").unwrap_err().to_string();
        assert!(error.contains("0 passed"), "{error}");
    }
}
