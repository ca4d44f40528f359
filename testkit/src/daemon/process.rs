//! A running daemon.

use std::io;
use std::process::{Child, Command, ExitStatus};

use oathbridge::virt::VirtualToken;
use rustix::process::{Pid, Signal, kill_process};

use super::inside::Inside;

/// A running daemon, stopped on drop.
#[derive(Debug)]
pub struct Daemon(Kind);

#[derive(Debug)]
enum Kind {
    Process(Child),
    Inside(Inside),
}

impl Daemon {
    pub(super) fn spawn(command: &mut Command) -> io::Result<Self> {
        Ok(Self(Kind::Process(command.spawn()?)))
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        match &self.0 {
            Kind::Process(child) => child.id(),
            Kind::Inside(_) => std::process::id(),
        }
    }

    /// The virtual token with this serial number, in a daemon on a thread.
    ///
    /// # Errors
    ///
    /// If there is none, or if the daemon is a process.
    pub fn virtual_token(&self, serial: u32) -> io::Result<VirtualToken> {
        match &self.0 {
            Kind::Process(_) => Err(io::ErrorKind::Unsupported.into()),
            Kind::Inside(inside) => inside.virtual_token(serial).ok_or(io::ErrorKind::NotFound.into()),
        }
    }

    /// Whether the daemon has ended by itself.
    ///
    /// # Errors
    ///
    /// Those of waitpid(2).
    pub fn has_ended(&mut self) -> io::Result<bool> {
        match &mut self.0 {
            Kind::Process(child) => child.try_wait().map(|status| status.is_some()),
            Kind::Inside(inside) => Ok(inside.has_ended()),
        }
    }

    /// Stops the daemon with SIGTERM and waits for its end.
    ///
    /// # Errors
    ///
    /// If waiting fails, or if the daemon ended with an error.
    pub fn terminate(mut self) -> io::Result<()> {
        match &mut self.0 {
            Kind::Process(child) => {
                kill_process(Pid::from_child(child), Signal::TERM)?;
                succeeded(child.wait()?)
            }
            Kind::Inside(inside) => inside.end(),
        }
    }

    /// Kills the daemon with SIGKILL and waits for its end. Not possible for a daemon on a thread.
    ///
    /// # Errors
    ///
    /// If waiting fails, or if the daemon runs on a thread.
    pub fn kill(mut self) -> io::Result<()> {
        match &mut self.0 {
            Kind::Process(child) => {
                child.kill()?;
                child.wait().map(drop)
            }
            Kind::Inside(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }
}

impl From<Inside> for Daemon {
    fn from(inside: Inside) -> Self {
        Self(Kind::Inside(inside))
    }
}

fn succeeded(status: ExitStatus) -> io::Result<()> {
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("the daemon ended with {status}"))) }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Kind::Process(child) = &mut self.0 {
            // If the process has already ended, both calls do nothing.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
