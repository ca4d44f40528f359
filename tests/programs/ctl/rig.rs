//! A daemon with virtual tokens on a private bus, and the tool.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use oathbridge::guard::Guard;
use oathbridge::otp::{Period, Step};
use serde_json::Value;
use tempfile::TempDir;
use testkit::bus::PrivateBus;
use testkit::fake_cognito::{FakeCognito, Options, Ready};

/// The seed of all credentials, from RFC 6238.
const SEED: &[u8] = b"12345678901234567890";

/// The password of the second token.
pub(crate) const PASSWORD: &str = "open sesame 8d5f";

const TOKENS: &str = r#"
[[token]]
serial = 11112222
touch = { after-seconds = 1.0 }
[[token.credential]]
issuer = "AWS"
account = "alice"
seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
[[token.credential]]
issuer = "AWS"
account = "touched"
touch = true
seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
[[token.credential]]
issuer = "VPN"
account = "dave"
type = "hotp"
seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
[[token.credential]]
issuer = "Evil\u001b[31m"
account = "mallory\u200bAWS"
seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
"#;

const LOCKED: &str = r#"
[[token]]
serial = 33334444
password = "open sesame 8d5f"
[[token.credential]]
issuer = "AWS"
account = "alice"
seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
"#;

/// The outcome of a run of the tool.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Run {
    pub(crate) fn json(&self) -> Value {
        assert_eq!((self.code, self.err.as_str()), (0, ""));
        serde_json::from_str(&self.out).unwrap()
    }

    /// Checks this exit code, this text on standard error, and empty standard output.
    pub(crate) fn failed(&self, code: i32, words: &str) {
        assert_eq!((self.code, self.out.as_str()), (code, ""), "{self:?}");
        assert!(self.err.starts_with("oathbridgectl: ") && self.err.contains(words), "{self:?}");
    }
}

pub(crate) struct Rig {
    bus: PrivateBus,
    daemon: Option<Child>,
    folder: TempDir,
    pub(crate) cognito: FakeCognito,
    pub(crate) user: Ready,
}

impl Rig {
    /// A token without a password.
    pub(crate) fn start() -> Self {
        Self::with_tokens(TOKENS)
    }

    /// Two tokens, one of them locked.
    pub(crate) fn with_locked() -> Self {
        Self::with_tokens(&format!("{TOKENS}{LOCKED}"))
    }

    /// No token and no smart card service.
    pub(crate) fn empty() -> Self {
        let mut rig = Self::without_daemon();
        fs::write(rig.file("config.toml"), "").unwrap();
        rig.start_daemon(&[]);
        rig
    }

    /// A bus without a daemon.
    pub(crate) fn without_daemon() -> Self {
        let cognito = FakeCognito::start(Options::default()).unwrap();
        let user = cognito.ready_user("alice", SEED).unwrap();
        let bus = PrivateBus::start().unwrap();
        Self { bus, daemon: None, folder: tempfile::tempdir().unwrap(), cognito, user }
    }

    fn with_tokens(tokens: &str) -> Self {
        let mut rig = Self::without_daemon();
        let config = format!(
            "[pcsc]\nenabled = false\n[profiles.work]\nregion = \"eu-central-1\"\nendpoint_url = \"{}\"\nissuer = \"AWS\"\naccount = \"alice\"\n",
            rig.cognito.url()
        );
        fs::write(rig.file("config.toml"), config).unwrap();
        fs::write(rig.file("tokens.toml"), tokens).unwrap();
        let tokens = format!("--virtual-token={}", rig.file("tokens.toml").display());
        rig.start_daemon(&[&tokens]);
        rig
    }

    fn start_daemon(&mut self, arguments: &[&str]) {
        let ready = UnixDatagram::bind(self.file("notify")).unwrap();
        ready.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let daemon = self
            .command(env!("CARGO_BIN_EXE_oathbridged"))
            .arg(format!("--config={}", self.file("config.toml").display()))
            .args(arguments)
            .env("NOTIFY_SOCKET", self.file("notify"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(self.file("log")).unwrap())
            .spawn()
            .unwrap();
        self.daemon = Some(daemon);
        let mut message = [0; 256];
        let length = ready.recv(&mut message).unwrap_or_else(|error| panic!("{error}: {}", self.log()));
        assert!(message[..length].starts_with(b"READY=1"));
    }

    /// Kills the daemon.
    pub(crate) fn kill_daemon(&mut self) {
        let mut daemon = self.daemon.take().unwrap();
        daemon.kill().unwrap();
        daemon.wait().unwrap();
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn bus(&self) -> &str {
        self.bus.address()
    }

    /// The daemon's log.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.file("log")).unwrap()
    }

    pub(crate) fn guard(&self) -> Guard {
        Guard::open(self.file("state/oathbridge"))
    }

    /// A command with only the environment of the rig.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("DBUS_SESSION_BUS_ADDRESS", self.bus.address())
            .env("HOME", self.folder.path())
            .env("XDG_STATE_HOME", self.file("state"))
            .env("PCSCLITE_CSOCK_NAME", self.file("no-pcscd"));
        command
    }

    pub(crate) fn tool(&self) -> Command {
        self.command(env!("CARGO_BIN_EXE_oathbridgectl"))
    }

    /// Runs the tool without a terminal and with empty standard input.
    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        self.run_with(arguments, "")
    }

    /// Runs the tool with this on its standard input.
    pub(crate) fn run_with(&self, arguments: &[&str], input: &str) -> Run {
        let mut command = self.tool();
        command.args(arguments);
        finish(command, input)
    }

    /// The id of a credential on the first token.
    pub(crate) fn id(&self, account: &str) -> String {
        let list = self.run(&["list", "--json"]).json();
        let credentials = list["credentials"].as_array().unwrap();
        let found = credentials.iter().find(|credential| credential["account"] == account).unwrap();
        found["id"].as_str().unwrap().to_owned()
    }

    /// Waits for a time step with this number of seconds left.
    pub(crate) fn wait_for_room(&self, seconds: u64) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(testkit::rig::step_with_room(seconds));
    }

    /// Closes this number of steps after the current one.
    pub(crate) fn use_steps(&self, account: &str, ahead: u64) {
        let now = Step::at(SystemTime::now().duration_since(UNIX_EPOCH).unwrap(), Period::DEFAULT);
        self.guard().claim(&self.id(account), Step(now.0 + ahead), now).unwrap();
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        if let Some(daemon) = &mut self.daemon {
            // If the process has already ended, both calls do nothing.
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
    }
}

pub(crate) fn finish(mut command: Command, input: &str) -> Run {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A tool that does not read its input may end before the input is written.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let (mut out, mut err) = (String::new(), String::new());
    child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    Run { code: child.wait().unwrap().code().unwrap(), out, err }
}
