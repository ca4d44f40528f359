//! A test in a process of its own, for what belongs to a process: its environment, its subscriber for logs, its user.

use std::io;
use std::process::Command;
use std::time::Duration;

use crate::patience::run_within;

/// Far longer than one test takes.
const LIMIT: Duration = Duration::from_secs(300);

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
    let output = run_within(command.args(["--exact", test, "--include-ignored"]), LIMIT)?;
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
    #[ignore = "run by a_test_passes_in_a_process_of_its_own"]
    fn passes() {
        assert_eq!(std::env::var("TESTKIT_SAYS").as_deref(), Ok("yes"));
    }

    #[test]
    fn a_test_passes_in_a_process_of_its_own() {
        let again = || Command::new(std::env::current_exe().unwrap());
        run_with(again().env("TESTKIT_SAYS", "yes"), "own_process::tests::passes").unwrap();
        let error = run("own_process::tests::passes").unwrap_err().to_string();
        assert!(error.contains("TESTKIT_SAYS"), "{error}");
        let error = run("own_process::tests::passed").unwrap_err().to_string();
        assert!(error.contains("0 passed"), "{error}");
    }
}
