//! Namespaces for a process, and a connection into them.

use std::io::{self, BufRead, BufReader};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};

/// A mount namespace and a network namespace, in a user namespace unless the user is root.
#[derive(Clone, Copy, Debug)]
pub(super) struct Namespaces {
    user: bool,
}

/// Connects, and keeps the connection as descriptor 3 until its standard input ends.
const CONNECT: &str = r#"exec 3<>"/dev/tcp/127.0.0.1/$1" && echo connected && read -r _"#;

impl Namespaces {
    /// The namespaces that this user may create.
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
        Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "a private pcscd requires user namespaces or root",
        ))
    }

    /// A command that runs its arguments as the first process of new namespaces.
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
    /// A helper process enters the namespace and connects, and its descriptor is duplicated with `pidfd_getfd(2)`.
    pub(super) fn connect(self, process: &Child, port: u16) -> io::Result<TcpStream> {
        let mut command = Command::new("nsenter");
        command.args(["--target", &process.id().to_string(), "--net"]);
        if self.user {
            command.args(["--user", "--preserve-credentials"]);
        }
        command.args(["bash", "-c", CONNECT, "bash", &port.to_string()]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let stream = fetch(&mut child);
        // Waiting closes its standard input, so the helper process ends.
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
