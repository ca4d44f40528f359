//! A daemon with virtual tokens on a private bus, and the tool.

use std::ffi::OsStr;
use std::ops::Deref;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use oathbridge::guard::{Folders, Guard, Now};
use oathbridge::otp::{Period, Step};
use serde_json::Value;
use testkit::dbusmock::{Call, Mock};
use testkit::fake_cognito::Ready;
use testkit::foreign;
use testkit::patience::run_with_input;
use testkit::scenario::{Scenario, World};
use testkit::tested;
use tokio::runtime::Runtime;

use super::specs::{CONFIG, HIDDEN, LOCKED, MANY_QUERIES, OF_README, TOKENS, WITH_PIN};

const DAEMON: &str = env!("CARGO_BIN_EXE_oathbridged");

/// The seed of all credentials, from RFC 6238.
const SEED: &[u8] = b"12345678901234567890";

/// The timeout for the tool or a shell, which only a failure reaches.
const LIMIT: Duration = Duration::from_secs(180);

/// The user of the profile of README.
const README_USER: &str = "alice@example.com";

/// The tool.
pub(crate) fn program() -> PathBuf {
    tested::program(env!("CARGO_BIN_EXE_oathbridgectl")).unwrap()
}

/// The password of the second token.
pub(crate) const PASSWORD: &str = "open sesame 8d5f";

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

    /// Checks this exit code, this text on standard error, and empty standard output. On the system's clock, and on
    /// a slow machine, a line about a wait may come before.
    pub(crate) fn failed(&self, code: i32, words: &str) {
        assert_eq!((self.code, self.out.as_str()), (code, ""), "{self:?}");
        let mut lines = self.err.lines().skip_while(|line| line.starts_with("Waiting for "));
        assert!(lines.next().is_some_and(|line| line.starts_with("oathbridgectl: ")), "{self:?}");
        assert!(self.err.contains(words), "{self:?}");
        assert_eq!(self.words().map(|text| foreign::word_in(&text)), [None; 2], "{self:?}");
    }

    /// Checks that a successful run shows a person no word for programs.
    pub(crate) fn plain(&self) -> &Self {
        let words = self.words().map(|text| foreign::word_in(&text));
        assert_eq!((self.code, words), (0, [None; 2]), "{self:?}");
        self
    }
}

impl Run {
    /// Both outputs without the folder of temporary files, whose name may have any word.
    fn words(&self) -> [String; 2] {
        let folder = std::env::temp_dir().display().to_string();
        [&self.out, &self.err].map(|text| text.replace(&folder, ""))
    }
}

/// A world, for tests that know nothing of tasks.
pub(crate) struct Rig {
    world: World,
    pub(crate) user: Ready,
    runtime: Runtime,
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

    /// Two tokens, one of them with a PIN, which is the password of the locked one.
    pub(crate) fn with_pin() -> Self {
        Self::with_tokens(&format!("{TOKENS}{WITH_PIN}"))
    }

    /// A token whose only credential is hidden.
    pub(crate) fn with_hidden() -> Self {
        Self::with_tokens(HIDDEN)
    }

    /// No token and no smart card service.
    pub(crate) fn empty() -> Self {
        Self::with_daemon(Scenario::program(DAEMON))
    }

    /// A token in the reader of a private pcscd, whose faults the test decides.
    pub(crate) fn with_card() -> Self {
        Self::with_daemon(Scenario::program(DAEMON).cards(OF_README))
    }

    /// A system bus, with a logind that knows a session of this user.
    pub(crate) fn with_logind() -> (Self, Mock) {
        let (mut rig, logind) = Self::with_logind_only();
        // With the path that stands for the session of a caller.
        let session = ("auto", "seat0", rustix::process::geteuid().as_raw(), "me", true);
        rig.runtime.block_on(logind.mock("AddSession", &session)).unwrap();
        rig.runtime.block_on(rig.world.start_daemon()).unwrap();
        // From then on the daemon hears the signals of logind.
        let hears = |calls: &[Call]| calls.iter().any(|call| call.1 == "Inhibit");
        rig.runtime.block_on(logind.until(hears)).unwrap();
        rig.runtime.block_on(rig.world.client.wait_for_unlocked_screen()).unwrap();
        (rig, logind)
    }

    /// A system bus with a logind that knows no session. The daemon is not started.
    pub(crate) fn with_logind_only() -> (Self, Mock) {
        let config = format!("{CONFIG}{MANY_QUERIES}");
        let rig = Self::new(Scenario::program(DAEMON).virtual_tokens(TOKENS).config(&config).system_bus());
        let logind = rig.runtime.block_on(Mock::logind(rig.world.system().unwrap())).unwrap();
        (rig, logind)
    }

    /// A bus without a daemon.
    pub(crate) fn without_daemon() -> Self {
        Self::new(Scenario::program(DAEMON))
    }

    /// A daemon whose only configuration has an error.
    pub(crate) fn with_broken_configuration() -> Self {
        Self::with_daemon(Scenario::program(DAEMON).virtual_tokens(TOKENS).config("[pcsc]\nenable = true\n"))
    }

    /// The profile of README, and a token with its credential.
    pub(crate) fn of_readme() -> Self {
        Self::with_daemon_and_user(of_readme(""), README_USER)
    }

    /// The same with an app client whose secret is in this systemd credential of the daemon.
    pub(crate) fn of_readme_with_secret(name: &str, secret: &str) -> Self {
        let scenario = of_readme(&format!("client_secret_credential = '{name}'\n"));
        let mut rig = Self::for_user(scenario, README_USER);
        rig.set_credential(name, secret);
        rig.start_daemon();
        rig
    }

    /// Sets a systemd credential of the daemon, for its next start.
    pub(crate) fn set_credential(&mut self, name: &str, secret: &str) {
        let folder = self.world.stage.runtime().join("credentials/oathbridge.service");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(name), secret).unwrap();
        self.world.stage.set_variable("CREDENTIALS_DIRECTORY", folder);
    }

    /// These tokens and no others.
    pub(crate) fn with_tokens(tokens: &str) -> Self {
        Self::with_daemon(Scenario::program(DAEMON).virtual_tokens(tokens).config(CONFIG))
    }

    /// These tokens, with more lines of the configuration.
    pub(crate) fn with_tokens_and_config(tokens: &str, config: &str) -> Self {
        let config = format!("{CONFIG}{config}");
        Self::with_daemon(Scenario::program(DAEMON).virtual_tokens(tokens).config(&config))
    }

    fn with_daemon(scenario: Scenario) -> Self {
        Self::with_daemon_and_user(scenario, "alice")
    }

    fn with_daemon_and_user(scenario: Scenario, user: &str) -> Self {
        let mut rig = Self::for_user(scenario, user);
        rig.runtime.block_on(rig.world.start_daemon()).unwrap();
        rig
    }

    fn new(scenario: Scenario) -> Self {
        Self::for_user(scenario, "alice")
    }

    fn for_user(scenario: Scenario, user: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let world = runtime.block_on(scenario.prepare()).unwrap();
        let user = world.cognito.ready_user(user, SEED).unwrap();
        Self { world, user, runtime }
    }

    /// Waits for what another client does.
    pub(crate) fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// Starts the daemon, which does not run.
    pub(crate) fn start_daemon(&mut self) {
        self.runtime.block_on(self.world.start_daemon()).unwrap();
    }

    /// Kills the daemon.
    pub(crate) fn kill_daemon(&mut self) {
        self.world.daemon.take().unwrap().kill().unwrap();
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.world.stage.home().join(name)
    }

    pub(crate) fn bus(&self) -> &str {
        self.world.stage.address()
    }

    /// The daemon's log.
    pub(crate) fn log(&self) -> String {
        self.world.stage.log().unwrap()
    }

    pub(crate) fn guard(&self) -> Guard {
        let stage = &self.world.stage;
        Guard::open(Folders { state: stage.state(), runtime: Some(stage.runtime().join("oathbridge")) })
    }

    /// A command with only the environment of the rig.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("DBUS_SESSION_BUS_ADDRESS", self.bus())
            .env("HOME", self.world.stage.home())
            .env("XDG_STATE_HOME", self.file("state"))
            .env("XDG_RUNTIME_DIR", self.world.stage.runtime())
            .env("PCSCLITE_CSOCK_NAME", self.file("no-pcscd"));
        // The one of the machine answers if there is no other one.
        if let Ok(system) = self.world.system() {
            command.env("DBUS_SYSTEM_BUS_ADDRESS", system.address());
        }
        command
    }

    pub(crate) fn tool(&self) -> Command {
        self.command(program())
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

    /// Closes this number of steps after the current one.
    pub(crate) fn use_steps(&self, account: &str, ahead: u64) {
        self.use_steps_of(&self.id(account), ahead);
    }

    /// The same for the credential with this id.
    pub(crate) fn use_steps_of(&self, id: &str, ahead: u64) {
        let now = Now::new(SystemTime::now().duration_since(UNIX_EPOCH).unwrap(), Period::DEFAULT);
        self.guard().claim(id, Step(now.step().0 + ahead), now).unwrap();
    }
}

impl Deref for Rig {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

/// The profile of README with one more key, and a token with its credential.
fn of_readme(key: &str) -> Scenario {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let profile = readme.split_once("```toml\n[profiles.work]\n").unwrap().1.split_once("```").unwrap().0;
    let profile = format!("[profiles.work]\n{profile}{key}endpoint_url = 'COGNITO_URL'\n");
    let config = format!("[pcsc]\nenabled = false\n{profile}");
    Scenario::program(DAEMON).virtual_tokens(OF_README).config(&config)
}

pub(crate) fn finish(mut command: Command, input: &str) -> Run {
    let output = run_with_input(&mut command, input, LIMIT).unwrap();
    let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    Run { code: output.status.code().unwrap(), out, err }
}
