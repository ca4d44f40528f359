//! The emulators as processes.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::ops::RangeInclusive;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use testkit::patience::kill_group;
use testkit::{node, python};

const CLOCK: &str = "clock";

/// The timeout for the start of an emulator.
const START_TIMEOUT: Duration = Duration::from_secs(120);

/// Later versions of these two, which cognito-local would install, require a newer Node.js than that of Debian 12.
const FOR_NODE_18: [(&str, &str); 2] = [("@noble/hashes", "1.8.0"), ("@scure/base", "1.2.6")];

/// A third-party emulator of Cognito.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Emulator {
    CognitoLocal,
    /// With the setting that makes it check codes.
    Moto,
}

impl Emulator {
    fn command(self, port: u16) -> Command {
        let (port, host) = (port.to_string(), Ipv4Addr::LOCALHOST.to_string());
        match self {
            Self::CognitoLocal => {
                let package = node::package("cognito-local", "5.3.0", &FOR_NODE_18).unwrap();
                let mut command = Command::new("node");
                command.arg("--require").arg(own("clock.js"));
                command.arg(package.join("lib/bin/start.js")).env("HOST", host).env("PORT", port);
                command
            }
            Self::Moto => {
                let programs = python::environment("moto-venv", &["moto[server]==5.2.5"]).unwrap();
                let mut command = Command::new(programs.join("python"));
                command.arg(own("moto_server.py")).args(["-H", &host, "-p", &port]);
                command.env("MOTO_COGNITO_IDP_USER_POOL_ENABLE_TOTP", "true");
                command
            }
        }
    }
}

/// A file of this folder.
fn own(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cognito/emulators").join(name)
}

/// A running emulator, stopped on drop.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
    folder: TempDir,
}

impl Server {
    /// Starts one that takes codes by this time, Unix seconds.
    pub(crate) fn start(emulator: Emulator, now: u64) -> Self {
        // Another program may take the port between its choice and its use.
        let mut started = (0..3).filter_map(|_| Self::try_start(emulator, now));
        started.next().unwrap_or_else(|| panic!("{emulator:?} doesn't start"))
    }

    fn try_start(emulator: Emulator, now: u64) -> Option<Self> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, unused_port()));
        // cognito-local stores its users in this folder as well.
        let folder = tempfile::tempdir().unwrap();
        let log = File::create(folder.path().join("log")).unwrap();
        let mut command = emulator.command(address.port());
        set_clock(&folder, now);
        command
            .env("OATHBRIDGE_CLOCK", folder.path().join(CLOCK))
            .current_dir(folder.path())
            .process_group(0)
            .stdin(Stdio::null());
        command.stdout(log.try_clone().unwrap()).stderr(log);
        let child = command.spawn().unwrap();
        let mut server = Self { child, address, folder };
        server.listens().then_some(server)
    }

    /// False if the emulator ended instead.
    fn listens(&mut self) -> bool {
        let start = Instant::now();
        while TcpStream::connect(self.address).is_err() {
            if let Some(status) = self.child.try_wait().unwrap() {
                eprintln!("{status}: {}", self.log());
                return false;
            }
            assert!(start.elapsed() < START_TIMEOUT, "it doesn't listen; it wrote: {}", self.log());
            thread::sleep(Duration::from_millis(50));
        }
        true
    }

    /// It takes codes by this time from now on.
    pub(crate) fn set_clock(&self, now: u64) {
        set_clock(&self.folder, now);
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap()
    }
}

/// A port that no program listens on. It lies below the ports from which the system chooses (ip(7),
/// `ip_local_port_range`), so that no server of another test gets it before the emulator listens.
fn unused_port() -> u16 {
    const PORTS: RangeInclusive<u16> = 20_000..=31_999;
    let is_unused = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    let first = usize::try_from(std::process::id()).unwrap() % PORTS.len();
    PORTS.cycle().skip(first).take(PORTS.len()).find(is_unused).unwrap()
}

/// Whole at any moment: the emulator may read it now.
fn set_clock(folder: &TempDir, now: u64) {
    let next = folder.path().join("next-clock");
    fs::write(&next, now.to_string()).unwrap();
    fs::rename(next, folder.path().join(CLOCK)).unwrap();
}

impl Drop for Server {
    fn drop(&mut self) {
        kill_group(&mut self.child);
    }
}
