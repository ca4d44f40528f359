//! A stand-in for Amazon Cognito's user pools, on loopback, with the wire format of the real one.
//!
//! It behaves as AWS does where the public emulators don't: secrets of 52 characters, one time step early
//! or late accepted, a used code refused, sessions that expire and are good for one use. Faults come on
//! demand ([`Plan`]), and every request that arrived is in the [log](FakeCognito::log).
//!
//! Its tokens are signed; the keys to check them with are below the pool's path, as AWS has them.
//!
//! The control path: `POST /_control` takes what [`Control`] says as JSON; `GET /_log` gives the log as
//! JSON lines.

mod control;
mod log;
mod operations;
mod plan;
mod respond;
mod server;
mod sign;
mod sign_in;
mod srp;
mod state;
mod texts;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use oathbridge::clock::{Clock, SystemClock};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

pub use control::Control;
pub use log::Entry;
pub use plan::{Fault, Plan};
use state::State;

/// How a fake Cognito is set up.
#[derive(Clone, Debug)]
pub struct Options {
    /// Loopback address and port; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Its clock.
    pub clock: Arc<dyn Clock>,
    /// How VerifySoftwareToken answers a code that was used before.
    pub reuse: Reuse,
    /// The `iss` of its tokens.
    pub issuer: String,
    /// A file that each log entry is appended to before its request is answered.
    pub log_file: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            clock: Arc::new(SystemClock::new()),
            reuse: Reuse::default(),
            issuer: "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_FaKe00001".to_owned(),
            log_file: None,
        }
    }
}

/// The ways to answer a code that was used before; which one AWS takes in VerifySoftwareToken isn't known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Reuse {
    /// `ExpiredCodeException`, as RespondToAuthChallenge does.
    #[default]
    Expired,
    /// `EnableSoftwareTokenMFAException`, as for a wrong code.
    EnableMfa,
    /// HTTP 200 with `Status: ERROR`.
    StatusError,
}

/// A running fake Cognito; it stops when this is dropped.
#[derive(Debug)]
pub struct FakeCognito {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What the server's connections and the handle have in common.
#[derive(Debug)]
struct Shared {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A user whose software token is associated, and what it takes to verify it at once.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ready {
    /// The user's name.
    pub user: String,
    /// The user's password.
    pub password: String,
    /// The seed in base32 without padding.
    pub secret: String,
    /// An access token for an hour.
    pub access_token: String,
    /// A session for VerifySoftwareToken, for three minutes.
    pub session: String,
}

impl FakeCognito {
    /// Starts one on a thread of its own.
    ///
    /// # Errors
    ///
    /// When the address isn't loopback or isn't free, or the log file can't be opened.
    pub fn start(options: Options) -> io::Result<Self> {
        if !options.listen.ip().is_loopback() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the address is not loopback"));
        }
        let listener = std::net::TcpListener::bind(options.listen)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let clock = Arc::clone(&options.clock);
        let shared = Arc::new(Shared { clock, state: Mutex::new(State::new(&options)?) });
        let (stop, stopped) = oneshot::channel();
        let thread = server::spawn(listener, Arc::clone(&shared), stopped)?;
        Ok(Self { address, shared, stop: Some(stop), thread: Some(thread) })
    }

    /// Its endpoint URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A user whose software token has the seed `key`; replaces a user of that name.
    ///
    /// # Errors
    ///
    /// When the system has no randomness to give.
    pub fn ready_user(&self, name: &str, key: &[u8]) -> io::Result<Ready> {
        let now = self.now();
        self.shared.state().ready_user(name, key, now)
    }

    /// A user with a password and nothing else; replaces a user of that name.
    ///
    /// # Errors
    ///
    /// When the system has no randomness to give.
    pub fn add_user(&self, name: &str, password: &str) -> io::Result<()> {
        self.shared.state().add_user(name, password)
    }

    /// Another access token of a user, for an hour; one for a user that doesn't exist is never accepted.
    ///
    /// # Errors
    ///
    /// When the system has no randomness to give.
    pub fn access_token(&self, user: &str) -> io::Result<String> {
        let now = self.now();
        self.shared.state().issue_token(user, now)
    }

    /// Another session of a user, ready for VerifySoftwareToken.
    ///
    /// # Errors
    ///
    /// When the system has no randomness to give.
    pub fn session(&self, user: &str) -> io::Result<String> {
        let now = self.now();
        self.shared.state().open_session(user, state::Stage::Associated, now)
    }

    /// A session of a sign-in that asks for a code of the user's software token, which is called `device_name`; with
    /// `choice` it asks first which kind of second factor shall be used.
    ///
    /// # Errors
    ///
    /// When the system has no randomness to give.
    pub fn challenge(&self, user: &str, device_name: Option<&str>, choice: bool) -> io::Result<String> {
        let now = self.now();
        let mut state = self.shared.state();
        if let Some(user) = state.users.get_mut(user) {
            user.enrolled = true;
            user.device_name = device_name.map(str::to_owned);
        }
        let stage = if choice { state::Stage::Select } else { state::Stage::Challenge };
        state.open_session(user, stage, now)
    }

    /// Every session that was given out, those between two answers to challenges included.
    pub fn sessions(&self) -> Vec<String> {
        self.shared.state().sessions()
    }

    /// From now on the app client has this secret, and sign-ins have to prove that they know it.
    pub fn set_client_secret(&self, secret: &str) {
        self.shared.state().client_secret = Some(secret.to_owned());
    }

    /// From now on a sign-in asks which kind of second factor shall be used.
    pub fn offer_choice(&self) {
        self.shared.state().offers_choice = true;
    }

    /// From now on a device that signs in without a key gets one.
    pub fn track_devices(&self) {
        self.shared.state().tracks_devices = true;
    }

    /// From now on who has no second factor signs in without one.
    pub fn make_mfa_optional(&self) {
        self.shared.state().mfa_is_optional = true;
    }

    /// From now on tokens are issued by a pool of this id that has this fake's address, where also their keys are.
    pub fn become_pool(&self, id: &str) {
        self.shared.state().issuer = format!("{}/{id}", self.url());
    }

    /// From now on an access token that was issued here is refused as revoked.
    pub fn revoke(&self, access_token: &str) {
        self.shared.state().revoke(access_token);
    }

    /// Lets the next request fail in this way.
    pub fn fail(&self, fault: Fault) {
        self.plan(Plan::from(fault));
    }

    /// Adds a plan for requests to come. Plans wait in line; each request takes the first that is for it.
    pub fn plan(&self, plan: Plan) {
        self.shared.state().plans.add(plan);
    }

    /// Forgets the plans that are left.
    pub fn forget_plans(&self) {
        self.shared.state().plans.clear();
    }

    /// Sets how far its clock is ahead of the one it was given, in seconds.
    pub fn set_clock_offset(&self, seconds: i64) {
        self.shared.state().clock_offset = seconds;
    }

    /// Sets how VerifySoftwareToken answers a code that was used before.
    pub fn set_reuse(&self, reuse: Reuse) {
        self.shared.state().reuse = reuse;
    }

    /// Every request that arrived, oldest first.
    pub fn log(&self) -> Vec<Entry> {
        self.shared.state().log.entries().to_vec()
    }

    /// How often a code of each time step of each seed arrived: more than once is a failed guard.
    pub fn submissions(&self) -> BTreeMap<(u32, u64), usize> {
        let mut counts = BTreeMap::new();
        for entry in self.shared.state().log.entries() {
            if let (Some(seed), Some(step)) = (entry.seed, entry.step) {
                *counts.entry((seed, step)).or_default() += 1;
            }
        }
        counts
    }

    /// Serves until the process is told to end.
    pub fn wait(mut self) {
        if let Some(thread) = self.thread.take() {
            // A panic of the server has been printed by its thread.
            let _ = thread.join();
        }
    }

    fn now(&self) -> Duration {
        let now = self.shared.clock.unix_time();
        self.shared.state().shifted(now)
    }
}

impl Drop for FakeCognito {
    fn drop(&mut self) {
        // An error means that it has stopped by itself.
        let _ = self.stop.take().map(|stop| stop.send(()));
        let _ = self.thread.take().map(JoinHandle::join);
    }
}
