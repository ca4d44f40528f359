//! A fake of Amazon Cognito's user pools on loopback, with the real wire format.
//!
//! It behaves as AWS does where the public emulators do not: it has secrets of 52 characters, accepts one time step early
//! or late, refuses used codes, and its sessions expire and are for single use. It produces faults on demand ([`Plan`]),
//! and every request is in the [log](FakeCognito::log).
//!
//! Its tokens are signed; the public keys are below the pool's path, as with AWS.
//!
//! Control: `POST /_control` takes a [`Control`] as JSON; `GET /_log` returns the log as JSON lines.

mod control;
mod log;
mod operations;
mod options;
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
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use oathbridge::clock::Clock;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

pub use control::Control;
pub use log::Entry;
pub use options::{Options, Reuse};
pub use plan::{Fault, Plan};
use state::State;

/// A running fake Cognito, stopped on drop.
#[derive(Debug)]
pub struct FakeCognito {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// The data that the server's connections and the handle share.
#[derive(Debug)]
struct Shared {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    /// Locked while requests are held.
    held: Arc<tokio::sync::Mutex<()>>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A user whose software token is associated, with everything that is needed to verify it.
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
    /// Starts a fake Cognito on its own thread.
    ///
    /// # Errors
    ///
    /// The address is not loopback or not free, or the log file cannot be opened.
    pub fn start(options: Options) -> io::Result<Self> {
        if !options.listen.ip().is_loopback() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the address is not loopback"));
        }
        let listener = std::net::TcpListener::bind(options.listen)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let clock = Arc::clone(&options.clock);
        let shared =
            Arc::new(Shared { clock, state: Mutex::new(State::new(&options)?), held: Arc::default() });
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
    /// The system provides no random numbers.
    pub fn ready_user(&self, name: &str, key: &[u8]) -> io::Result<Ready> {
        let now = self.now();
        self.shared.state().ready_user(name, key, now)
    }

    /// A user with a password and nothing else; replaces a user of that name.
    ///
    /// # Errors
    ///
    /// The system provides no random numbers.
    pub fn add_user(&self, name: &str, password: &str) -> io::Result<()> {
        self.shared.state().add_user(name, password)
    }

    /// Another access token of a user, for an hour. An access token for a missing user is never accepted.
    ///
    /// # Errors
    ///
    /// The system provides no random numbers.
    pub fn access_token(&self, user: &str) -> io::Result<String> {
        let now = self.now();
        self.shared.state().issue_token(user, now)
    }

    /// Another session of a user, ready for VerifySoftwareToken.
    ///
    /// # Errors
    ///
    /// The system provides no random numbers.
    pub fn session(&self, user: &str) -> io::Result<String> {
        let now = self.now();
        self.shared.state().open_session(user, state::Stage::Associated, now)
    }

    /// A session of a sign-in that asks for a code of the user's software token with the name `device_name`. With `choice`
    /// it first asks for the choice of the second factor.
    ///
    /// # Errors
    ///
    /// The system provides no random numbers.
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

    /// All issued sessions, including those between two challenges.
    pub fn sessions(&self) -> Vec<String> {
        self.shared.state().sessions()
    }

    /// From now on the app client has this secret, and sign-ins must prove it.
    pub fn set_client_secret(&self, secret: &str) {
        self.shared.state().client_secret = Some(secret.to_owned());
    }

    /// From now on a sign-in asks for the choice of the second factor.
    pub fn offer_choice(&self) {
        self.shared.state().offers_choice = true;
    }

    /// From now on a device without a key gets one at a sign-in.
    pub fn track_devices(&self) {
        self.shared.state().tracks_devices = true;
    }

    /// From now on users without a second factor sign in without one.
    pub fn make_mfa_optional(&self) {
        self.shared.state().mfa_is_optional = true;
    }

    /// From now on tokens are issued by a pool with this id and this fake's address, where their keys are as well.
    pub fn become_pool(&self, id: &str) {
        self.shared.state().issuer = format!("{}/{id}", self.url());
    }

    /// From now on this access token is refused as revoked.
    pub fn revoke(&self, access_token: &str) {
        self.shared.state().revoke(access_token);
    }

    /// Makes the next request fail with this fault.
    pub fn fail(&self, fault: Fault) {
        self.plan(Plan::from(fault));
    }

    /// Adds a plan for later requests. Plans are in a queue; each request takes the first one that applies to it.
    pub fn plan(&self, plan: Plan) {
        self.shared.state().plans.add(plan);
    }

    /// Handles no further request until the result is dropped.
    pub async fn hold(&self) -> tokio::sync::OwnedMutexGuard<()> {
        Arc::clone(&self.shared.held).lock_owned().await
    }

    /// Removes the remaining plans.
    pub fn forget_plans(&self) {
        self.shared.state().plans.clear();
    }

    /// Sets the seconds that its clock is ahead of the given clock.
    pub fn set_clock_offset(&self, seconds: i64) {
        self.shared.state().clock_offset = seconds;
    }

    /// Sets the response of VerifySoftwareToken to a code that was used before.
    pub fn set_reuse(&self, reuse: Reuse) {
        self.shared.state().reuse = reuse;
    }

    /// All requests, oldest first.
    pub fn log(&self) -> Vec<Entry> {
        self.shared.state().log.entries().to_vec()
    }

    /// The number of codes that arrived for each time step of each seed. More than one is a fault of the guard.
    pub fn submissions(&self) -> BTreeMap<(u32, u64), usize> {
        let mut counts = BTreeMap::new();
        for entry in self.shared.state().log.entries() {
            if let (Some(seed), Some(step)) = (entry.seed, entry.step) {
                *counts.entry((seed, step)).or_default() += 1;
            }
        }
        counts
    }

    /// Serves until the process ends.
    pub fn wait(mut self) {
        if let Some(thread) = self.thread.take() {
            // The server's thread has already printed its panic.
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
        // An error means that the server has already stopped.
        let _ = self.stop.take().map(|stop| stop.send(()));
        let _ = self.thread.take().map(JoinHandle::join);
    }
}
