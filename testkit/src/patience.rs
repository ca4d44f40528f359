//! Runs third-party programs with a timeout, so that a program that hangs fails only its own test, and waits for what
//! has no event.

use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

/// The interval of checks whether a program has ended, or something is true.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// The number of checks whether something is true: a minute of them, which only a failure reaches.
const MAX_CHECKS: usize = 3_000;

/// Runs a program to its end and returns its output and exit code.
///
/// # Errors
///
/// The program does not start, or does not end within `limit`. In that case its process group is killed, and the error
/// contains the output.
pub fn run_within(command: &mut Command, limit: Duration) -> io::Result<Output> {
    run_with_stderr(command, limit, Stdio::piped())
}

/// Like [`run_within`], with this text as standard input.
///
/// # Errors
///
/// Those of [`run_within`].
pub fn run_with_input(command: &mut Command, input: &str, limit: Duration) -> io::Result<Output> {
    let (reader, mut writer) = io::pipe()?;
    let input = input.to_owned();
    // A program that does not read its input may end before the input is written.
    let writing = thread::spawn(move || drop(writer.write_all(input.as_bytes())));
    let output = run_within(command.stdin(reader), limit);
    // The command still holds the end of the reader.
    command.stdin(Stdio::null());
    let _ = writing.join();
    output
}

/// Like [`run_within`], with another destination of its standard error.
///
/// # Errors
///
/// Those of [`run_within`].
pub fn run_with_stderr(command: &mut Command, limit: Duration, stderr: Stdio) -> io::Result<Output> {
    // Its own process group, because programs such as npm do their work in child processes.
    let mut child =
        command.process_group(0).stdout(Stdio::piped()).stderr(stderr).spawn().map_err(|error| {
            io::Error::new(error.kind(), format!("{}: {error}", command.get_program().display()))
        })?;
    let readers = (reader(child.stdout.take()), reader(child.stderr.take()));
    let status = ended_within(&mut child, limit)?;
    if status.is_none() {
        kill_group(&mut child);
    }
    let [stdout, stderr] = [readers.0, readers.1].map(|reader| reader.join().unwrap_or_default());
    match status {
        Some(status) => Ok(Output { status, stdout, stderr }),
        None => Err(io::Error::new(
            io::ErrorKind::TimedOut,
            format!(
                "{} did not end within {limit:?}; its output: {}{}",
                command.get_program().display(),
                String::from_utf8_lossy(&stdout),
                String::from_utf8_lossy(&stderr)
            ),
        )),
    }
}

/// Waits until `is_true` returns true, for a state that no event reports. It is called 3,000 times at most.
///
/// # Errors
///
/// `is_true` never returned true; the error contains `what`.
pub async fn until(what: &str, mut is_true: impl AsyncFnMut() -> bool) -> io::Result<()> {
    for _ in 0..MAX_CHECKS {
        if is_true().await {
            return Ok(());
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
    Err(io::Error::new(io::ErrorKind::TimedOut, format!("this did not become true: {what}")))
}

/// Kills a child and its whole process group.
pub fn kill_group(child: &mut Child) {
    // If the process has already ended, this does nothing.
    let _ = kill_process_group(Pid::from_child(child), Signal::KILL);
    let _ = child.wait();
}

fn ended_within(child: &mut Child, limit: Duration) -> io::Result<Option<std::process::ExitStatus>> {
    let start = Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        match child.try_wait()? {
            None if start.elapsed() < limit => thread::sleep(pause),
            status => return Ok(status),
        }
        pause = (2 * pause).min(POLL_INTERVAL);
    }
}

/// Reads a pipe on a thread, because a full pipe would block the program.
fn reader(pipe: Option<impl Read + Send + 'static>) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // After an error the bytes before it are still returned.
        let _ = pipe.map(|mut pipe| pipe.read_to_end(&mut bytes));
        bytes
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that panics has failed")]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn all_output_of_a_program_is_returned() {
        let lines =
            run_within(&mut shell("seq 20000; echo end >&2; exit 3"), Duration::from_secs(60)).unwrap();
        assert_eq!((lines.status.code(), lines.stderr.as_slice()), (Some(3), &b"end\n"[..]));
        assert_eq!(lines.stdout.len(), 108_894);
    }

    #[test]
    fn the_input_arrives_whole_and_may_be_left_unread() {
        let long = "0123456789".repeat(20_000);
        let counted = run_with_input(&mut shell("wc -c"), &long, Duration::from_secs(60)).unwrap();
        assert_eq!(counted.stdout, b"200000\n");
        let unread = run_with_input(&mut shell("exit 3"), &long, Duration::from_secs(60)).unwrap();
        assert_eq!(unread.status.code(), Some(3));
    }

    #[test]
    fn a_program_that_hangs_is_killed_with_its_children() {
        let start = Instant::now();
        let error =
            run_within(&mut shell("echo begun; sleep 600 & wait"), Duration::from_millis(300)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(error.to_string().ends_with("its output: begun\n"), "{error}");
        // The child process inherited both pipes, which would stay open until its end.
        assert!(start.elapsed() < Duration::from_secs(60));
    }
}
