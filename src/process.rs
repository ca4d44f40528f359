//! Protects a process that holds secrets; the programs call this before anything else.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit};

/// Environment variables that make the AWS SDK log the bodies of requests and responses.
const LEAKY_VARIABLES: [&str; 2] = ["LOG_SENSITIVE_BODIES", "LOG_SIGNABLE_BODY"];

/// Makes the process undumpable, so that other programs of the user cannot trace it. Other programs can no longer
/// identify it either.
///
/// # Errors
///
/// The kernel refused; the process should end then.
pub fn hide() -> io::Result<()> {
    Ok(set_dumpable_behavior(DumpableBehavior::NotDumpable)?)
}

/// Disables core dumps, and removes environment variables that make libraries log secrets. Call it first in `main`,
/// before the process has other threads.
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
