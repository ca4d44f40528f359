//! Secrets are in no log, error, file or other process, and are wiped from memory.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

mod canaries;
mod codes;
mod memory;
mod process;
mod sign_in;
mod sign_in_memory;

use std::fs;
use std::path::Path;

use data_encoding::BASE32_NOPAD;
use testkit::dbusmock::Mock;
use testkit::fake_cognito::Ready;
use testkit::scenario::{Scenario, World};

const DAEMON: &str = env!("CARGO_BIN_EXE_oathbridged");

const PASSWORD: &str = "canary-password-3141592653";

/// The number of credentials that a test uses, each with its own time steps.
const CREDENTIALS: usize = 16;

const CONFIG: &str = "[cognito]
max_attempts = 1
min_seconds_left = 0
[limits]
submissions_per_minute = 1000
";

/// The app client's secret, in the form of the API's model.
const CLIENT_SECRET: &str = "CanaryOfTheAppClientsSecret2718281828";

const CLIENT_ID: &str = "1h57kf5cpq17m0eml12EXAMPLE";

/// With one profile the program passes everything; with the other one the daemon reads the client secret.
fn config() -> String {
    let place = format!("region = 'eu-central-1'\nclient_id = '{CLIENT_ID}'\nendpoint_url = 'COGNITO_URL'\n");
    format!(
        "{CONFIG}[profiles.fake]\n{place}[profiles.kept]\n{place}client_secret_credential = 'canary-client'\n"
    )
}

/// A daemon with the log level trace, a locked token, and a fake Cognito.
struct Bench {
    world: World,
}

impl Bench {
    /// The token is a virtual token of the daemon.
    async fn new(program: impl AsRef<Path>) -> Self {
        Self::start(Scenario::program(program.as_ref()).virtual_tokens(&tokens())).await
    }

    /// The token is behind a real pcscd, so that its commands are logged as well.
    async fn with_pcscd() -> Self {
        Self::start(Scenario::program(DAEMON).cards(&tokens())).await
    }

    /// The same with a session of logind.
    async fn with_logind() -> (Self, Mock) {
        let mut world = Self::prepare(Scenario::program(DAEMON).cards(&tokens()).system_bus()).await;
        let logind = Mock::logind(world.system().unwrap()).await.unwrap();
        let user = rustix::process::geteuid().as_raw();
        logind.mock("AddSession", &("s1", "seat0", user, "me", true)).await.unwrap();
        world.start_daemon().await.unwrap();
        world.client.wait_for_unlocked_screen().await.unwrap();
        (Self { world }, logind)
    }

    /// A Nitrokey 3 behind a real pcscd, whose PIN protects its only credential.
    async fn with_pin() -> Self {
        let key = format!(
            "[[token]]\nserial = 1\nmodel = 'nitrokey-3'\npin = '{PASSWORD}'\ntouch = {{ after-seconds = 0.0 }}
             credential = [{{ account = 'protected', pin = true, seed = 'me' }}]\n"
        );
        Self::start(Scenario::program(DAEMON).cards(&key)).await
    }

    async fn start(scenario: Scenario) -> Self {
        let mut world = Self::prepare(scenario).await;
        world.start_daemon().await.unwrap();
        Self { world }
    }

    async fn prepare(scenario: Scenario) -> World {
        let mut world = scenario.config(&config()).prepare().await.unwrap();
        let credentials = world.stage.home().join("credentials");
        fs::create_dir(&credentials).unwrap();
        fs::write(credentials.join("canary-client"), CLIENT_SECRET).unwrap();
        world.stage.set_variable("CREDENTIALS_DIRECTORY", credentials);
        world.stage.add_argument("--log-level=trace");
        // With these variables the AWS SDK would log bodies.
        for name in ["LOG_SENSITIVE_BODIES", "LOG_SIGNABLE_BODY"] {
            world.stage.set_variable(name, "true");
        }
        world.stage.set_variable("RUST_LOG", "trace");
        world
    }

    /// The id of the daemon's process.
    fn process(&self) -> u32 {
        self.world.daemon.as_ref().unwrap().id()
    }

    /// Opens the token.
    async fn unlock(&self) {
        let token = self.world.client.find(&[]).await.unwrap().1.remove(0);
        self.world.client.unlock(&token, PASSWORD).await.unwrap();
    }

    /// A credential, and a user with its seed.
    async fn user(&self, number: usize) -> (String, Ready) {
        let account = format!("user-{number}");
        let path = self.world.client.credential(&account).await.unwrap();
        (path, self.world.cognito.ready_user(&account, &key(number)).unwrap())
    }
}

fn tokens() -> String {
    let credential =
        |number| format!("{{ account = 'user-{number}', seed = '{}' }}, ", BASE32_NOPAD.encode(&key(number)));
    let credentials: String = (0..CREDENTIALS).map(credential).collect();
    format!("[[token]]\nserial = 1\npassword = '{PASSWORD}'\ncredential = [{credentials}]\n")
}

/// A seed of 32 bytes, like those of AWS.
fn key(number: usize) -> [u8; 32] {
    format!("canary-of-a-seed-with-number-{number:03}").into_bytes().try_into().unwrap()
}
