//! Runs a test in a separate process, for tests that depend on the environment, the log subscriber or the user of a process.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::patience::run_with_stderr;

/// The timeout for one test, far longer than any test takes.
const TEST_TIMEOUT: Duration = Duration::from_secs(900);

/// The environment variable with the folder of the process.
const FOLDER: &str = "TESTKIT_FOLDER";

/// The environment variable with the user's home outside of the test.
const USER_HOME: &str = "TESTKIT_USER_HOME";

/// The names in that folder.
const HOME: &str = "home";
const PCSCD: &str = "pcscd";
const SYSTEM_BUS: &str = "system";

/// The folder of a process that was started by [`run_async`].
#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// The folder of this process; `None` if it was not started by [`run_async`].
    pub fn own() -> Option<Self> {
        std::env::var_os(FOLDER).map(PathBuf::from).map(Self)
    }

    /// Creates the home of the programs that the test runs.
    ///
    /// # Errors
    ///
    /// If it exists already, or if no file can be created.
    pub fn home(&self) -> io::Result<TempDir> {
        self.place(HOME)
    }

    /// Creates the directory of the private pcscd. libpcsclite reads its path from the environment once for each process.
    ///
    /// # Errors
    ///
    /// Those of [`Folder::home`].
    pub fn pcscd(&self) -> io::Result<TempDir> {
        self.place(PCSCD)
    }

    /// Creates the directory of the bus that this process uses as the system bus.
    ///
    /// # Errors
    ///
    /// Those of [`Folder::home`].
    pub fn system_bus(&self) -> io::Result<TempDir> {
        self.place(SYSTEM_BUS)
    }

    /// The file with the standard error of this process.
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

/// Runs a test in a separate process; the attribute `testkit::test` passes its name. In the test program that cargo has
/// started, it starts the program again for this test alone. In that process it runs `body`.
///
/// # Panics
///
/// If the test fails.
#[expect(clippy::panic, reason = "a test that panics has failed")]
pub fn run_async(test: &str, body: impl Future<Output = ()>) {
    let result = match Folder::own() {
        Some(_) => {
            tokio::runtime::Builder::new_current_thread().enable_all().build().map(|one| one.block_on(body))
        }
        None => run_in_a_folder(test),
    };
    result.unwrap_or_else(|error| panic!("{error}"));
}

/// The home of the user outside of the test, which has the configuration of the package registries.
pub(crate) fn user_home() -> Option<OsString> {
    std::env::var_os(USER_HOME).or_else(|| std::env::var_os("HOME"))
}

fn run_in_a_folder(test: &str) -> io::Result<()> {
    // The names of libtest do not include the crate.
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

/// Starts the running test program again for one of its tests, and waits until it has passed. Runs ignored tests as well.
///
/// # Errors
///
/// Those of [`run_with`].
pub fn run(test: &str) -> io::Result<()> {
    run_with(&mut Command::new(std::env::current_exe()?), test)
}

/// Like [`run`], with a prepared command: the test program, and environment variables if necessary.
///
/// # Errors
///
/// If the program does not start or has no such test, or if the test fails. The error contains the output.
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
