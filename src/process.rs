//! Protects a process that holds secrets; the programs call this before anything else.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::fs::Access;
use rustix::process::{
    DumpableBehavior, Resource, Rlimit, geteuid, getrlimit, set_dumpable_behavior, setrlimit,
};

/// Environment variables that make the AWS SDK log the bodies of requests and responses.
const LEAKY_VARIABLES: [&str; 2] = ["LOG_SENSITIVE_BODIES", "LOG_SIGNABLE_BODY"];

/// Protects the memory of a process with secrets: [`hide`], [`harden`], and no tracer. Call it first in `main`, before the
/// process has other threads.
///
/// # Errors
///
/// Any [`Unprotected`]; the process should end then.
pub fn protect() -> Result<(), Unprotected> {
    hide()?;
    // A tracer attached before that, or was there from the start.
    if !is_untraced(&std::fs::read_to_string("/proc/self/status")?) {
        return Err(Unprotected::Traced);
    }
    Ok(harden()?)
}

/// The reason why a process is not protected.
#[derive(Debug, thiserror::Error)]
pub enum Unprotected {
    /// The kernel refused.
    #[error(
        "the kernel refused to protect this process ({0}); allow prctl and setrlimit, and start it again"
    )]
    Refused(#[from] io::Error),
    /// A tracer can read all memory.
    #[error("a debugger is attached to this process; start it again without one")]
    Traced,
}

/// Makes the process undumpable, so that other programs of the user cannot trace it. Other programs can no longer
/// identify it either.
///
/// # Errors
///
/// The kernel refused; the process should end then.
pub fn hide() -> io::Result<()> {
    Ok(set_dumpable_behavior(DumpableBehavior::NotDumpable)?)
}

fn is_untraced(status: &str) -> bool {
    status.lines().any(|line| line.strip_prefix("TracerPid:").is_some_and(|pid| pid.trim() == "0"))
}

/// Logs a warning if this user can read the file of the program. Then other programs of the user can attach between the
/// start and [`hide`]; a program that its user can only execute is undumpable from the start on (execve(2)).
pub fn warn_if_readable() {
    if !geteuid().is_root() && rustix::fs::access("/proc/self/exe", Access::READ_OK).is_ok() {
        tracing::warn!(
            "this user can read the program's file, so a debugger can attach at its start; make it root's, with mode 0711"
        );
    }
}

/// Disables core dumps, and removes environment variables that make libraries log secrets.
///
/// # Errors
///
/// The kernel refused; the process should end then.
pub fn harden() -> io::Result<()> {
    // In the unit the system call filter forbids this, but LimitCORE= has already done it.
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    // Every message of a client may contain descriptors, and too few of them would end the bus connection.
    let mut files = getrlimit(Resource::Nofile);
    files.current = files.maximum;
    let _ = setrlimit(Resource::Nofile, files);
    if LEAKY_VARIABLES.iter().any(|name| std::env::var_os(name).is_some()) {
        return Err(start_again_without(&LEAKY_VARIABLES));
    }
    Ok(())
}

/// Replaces the process without these variables, because removing one from a running process is not safe.
fn start_again_without(names: &[&str]) -> io::Error {
    let mut arguments = std::env::args_os();
    let mut command = Command::new("/proc/self/exe");
    if let Some(name) = arguments.next() {
        command.arg0(name);
    }
    command.args(arguments);
    for name in names {
        command.env_remove(name);
    }
    command.exec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tracer_is_noticed() {
        assert!(is_untraced("Name:\tx\nTracerPid:\t0\nUid:\t0\n"));
        assert!(!is_untraced("TracerPid:\t4242\n") && !is_untraced("Name:\tTracerPid:\t0\n"));
        assert!(!is_untraced(""));
    }
}
