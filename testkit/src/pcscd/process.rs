//! The pcscd process and its private directory.

use std::fs::{self, File};
use std::io;
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::namespace::Namespaces;
use crate::installed::{file_of_package, program_of_package};

/// The path of the driver in Debian's package vsmartcard-vpcd.
const DRIVER: &str = "/usr/lib/pcsc/drivers/serial/libifdvpcd.so";

/// Creates a loopback interface and a private /run/pcscd for pcscd.
const SCRIPT: &str = r#"
set -e
PATH=$PATH:/usr/sbin:/sbin
ip link set lo up
mount -t tmpfs tmpfs /run
mkdir /run/pcscd
mount --bind "$1" /run/pcscd
shift
exec "$@"
"#;

/// vpcd's default port, which is free in a new network namespace. Each reader takes two ports.
const FIRST_PORT: u16 = 35_963;

/// A running pcscd, killed on drop.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    namespaces: Namespaces,
}

/// Writes pcscd's configuration with this number of vpcd readers.
pub(super) fn configure(directory: &Path, name: &str, readers: usize) -> io::Result<()> {
    fs::create_dir(run(directory))?;
    let mut configuration = String::new();
    for reader in 0..readers {
        let port = port(reader, 0)?;
        // Readers with the same library would share its global variables, so each reader has its own copy.
        let driver = directory.join(format!("vpcd-{reader}.so"));
        fs::copy(file_of_package(DRIVER), &driver).map_err(|error| {
            io::Error::new(error.kind(), format!("{DRIVER}: {error} (package vsmartcard-vpcd)"))
        })?;
        // pcscd numbers readers of one name only if they share a library. A serial number keeps them apart,
        // as that of a USB device does.
        let serial = if reader == 0 { String::new() } else { format!(" (000{reader})") };
        configuration += &format!(
            "FRIENDLYNAME \"{name}{serial}\"\nDEVICENAME /dev/null:{port}\nLIBPATH {}\nCHANNELID {port}\n\n",
            driver.display()
        );
    }
    fs::write(directory.join("reader.conf"), configuration)
}

/// pcscd's socket, as seen from outside of its namespace.
pub(super) fn socket(directory: &Path) -> PathBuf {
    run(directory).join("pcscd.comm")
}

impl Process {
    /// Starts pcscd and waits until it accepts clients.
    pub(super) fn start(directory: &Path, patience: Duration) -> io::Result<Self> {
        for left_over in ["pcscd.comm", "pcscd.pid"] {
            // A killed pcscd leaves these files, and its pid file prevents the next start.
            match fs::remove_file(run(directory).join(left_over)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        let log = File::create(directory.join("pcscd.log"))?;
        let namespaces = Namespaces::allowed()?;
        let child = namespaces
            .enter_new()
            .args(["sh", "-c", SCRIPT, "sh"])
            .arg(run(directory))
            .arg(pcscd())
            .args(arguments()?)
            .arg("--config")
            .arg(directory.join("reader.conf"))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let mut process = Self { child, namespaces };
        process.wait_until_it_listens(directory, patience)?;
        Ok(process)
    }

    /// A connection to slot 0 or 1 of a reader, which inserts a card.
    pub(super) fn connect(&self, reader: usize, slot: usize) -> io::Result<TcpStream> {
        self.namespaces.connect(&self.child, port(reader, slot)?)
    }

    /// The process id.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends SIGTERM and waits for the end.
    pub(super) fn terminate(mut self) -> io::Result<()> {
        kill_process(Pid::from_child(&self.child), Signal::TERM)?;
        self.child.wait().map(drop)
    }

    /// Sends SIGKILL and waits for the end.
    pub(super) fn kill(mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(drop)
    }

    fn wait_until_it_listens(&mut self, directory: &Path, patience: Duration) -> io::Result<()> {
        let deadline = Instant::now() + patience;
        while UnixStream::connect(socket(directory)).is_err() {
            let ended = self.child.try_wait()?;
            if ended.is_some() || Instant::now() > deadline {
                let log = fs::read_to_string(directory.join("pcscd.log")).unwrap_or_default();
                return Err(io::Error::other(format!("pcscd doesn't come up ({ended:?}): {log}")));
            }
            thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // If the process has already ended, both calls do nothing.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn run(directory: &Path) -> PathBuf {
    directory.join("run")
}

/// pcscd is not in every user's PATH.
fn pcscd() -> PathBuf {
    program_of_package("/usr/sbin/pcscd")
}

/// `--disable-polkit` if pcscd supports it, because the namespace has no policy daemon.
fn arguments() -> io::Result<Vec<&'static str>> {
    let help = Command::new(pcscd()).arg("--help").output().map_err(|error| {
        io::Error::new(error.kind(), format!("{}: {error} (package pcscd)", pcscd().display()))
    })?;
    let polkit = String::from_utf8_lossy(&help.stdout).contains("--disable-polkit");
    Ok(if polkit { vec!["--foreground", "--disable-polkit"] } else { vec!["--foreground"] })
}

fn port(reader: usize, slot: usize) -> io::Result<u16> {
    let port = u16::try_from(2 * reader + slot).ok().and_then(|offset| FIRST_PORT.checked_add(offset));
    port.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "so many readers can't be"))
}
