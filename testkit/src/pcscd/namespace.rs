//! Namespaces for a process, and a way into them.

use std::io::{self, BufRead, BufReader};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};

/// A mount and a network namespace, in a user namespace where the kernel allows it; root can do without.
#[derive(Clone, Copy, Debug)]
pub(super) struct Namespaces {
    user: bool,
}

/// Connects, and holds the connection as descriptor 3 until its standard input ends.
const CONNECT: &str = r#"exec 3<>"/dev/tcp/127.0.0.1/$1" && echo connected && read -r _"#;

impl Namespaces {
    /// What this user may have.
    pub(super) fn allowed() -> io::Result<Self> {
        for namespaces in [Self { user: true }, Self { user: false }] {
            let works = namespaces
                .enter_new()
                .args(["mount", "-t", "tmpfs", "tmpfs", "/run"])
                .stdin(Stdio::null())
                .stderr(Stdio::null())
                .status()?;
            if works.success() {
                return Ok(namespaces);
            }
        }
        Err(io::Error::new(io::ErrorKind::PermissionDenied, "a private pcscd needs user namespaces, or root"))
    }

    /// A command that runs its arguments in new namespaces, as their first process.
    pub(super) fn enter_new(self) -> Command {
        let mut command = Command::new("unshare");
        if self.user {
            command.args(["--user", "--map-root-user"]);
        }
        command.args(["--mount", "--net"]);
        command
    }

    /// A connection to a port on the loopback of the process's network namespace.
    ///
    /// A program goes there and connects, and its descriptor is fetched from it (`pidfd_getfd(2)`).
    pub(super) fn connect(self, process: &Child, port: u16) -> io::Result<TcpStream> {
        let mut command = Command::new("nsenter");
        command.args(["--target", &process.id().to_string(), "--net"]);
        if self.user {
            command.args(["--user", "--preserve-credentials"]);
        }
        command.args(["bash", "-c", CONNECT, "bash", &port.to_string()]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let stream = fetch(&mut child);
        // Its standard input is closed when it is waited for, so it ends.
        child.wait()?;
        stream
    }
}

fn fetch(child: &mut Child) -> io::Result<TcpStream> {
    let mut said = String::new();
    if let Some(stdout) = child.stdout.take() {
        BufReader::new(stdout).read_line(&mut said)?;
    }
    if said.trim_end() != "connected" {
        return Err(io::Error::new(io::ErrorKind::ConnectionRefused, "vpcd doesn't listen"));
    }
    let process = pidfd_open(Pid::from_child(child), PidfdFlags::empty())?;
    Ok(TcpStream::from(pidfd_getfd(process, 3, PidfdGetfdFlags::empty())?))
}
