//! What a process that holds secrets does to itself before anything else.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit};

/// With these set, the AWS SDK would write bodies of requests and answers into the log.
const LEAKY: [&str; 2] = ["LOG_SENSITIVE_BODIES", "LOG_SIGNABLE_BODY"];

/// Makes the process untraceable by its user's other programs; nobody can find out any more which program it is.
///
/// # Errors
///
/// When the kernel refuses; the process should end then.
pub fn hide() -> io::Result<()> {
    Ok(set_dumpable_behavior(DumpableBehavior::NotDumpable)?)
}

/// Makes the process free of core dumps, and rids it of environment variables that make libraries log secrets. Call
/// it first in `main`, before there are threads.
///
/// # Errors
///
/// When it can't be done; the process should end then.
pub fn harden() -> io::Result<()> {
    // The unit's system call filter forbids this, and its LimitCORE= has done it already.
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    // Every message of a client may bring descriptors, and running out of them ends the bus connection.
    let mut files = getrlimit(Resource::Nofile);
    files.current = files.maximum;
    let _ = setrlimit(Resource::Nofile, files);
    if LEAKY.iter().any(|name| std::env::var_os(name).is_some()) {
        return Err(start_again_without(&LEAKY));
    }
    Ok(())
}

/// A variable can't be removed safely from a running process, but it can be kept from its successor.
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
