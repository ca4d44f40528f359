//! Keeps access keys of tokens in the user's keyring: the Secret Service of the session bus.
//!
//! The daemon keeps the key that it derives from a password, never the password. A key is of use only together with its token.

mod error;
mod items;
mod prompt;
mod proxies;

use std::time::Duration;

use tokio::sync::Mutex;
use zbus::{Address, Connection, connection};

pub use error::Error;

use crate::secret::SecretBytes;
use items::Session;

/// The timeout for an answer of the keyring, without a question to the user.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How long the user may take to answer a question of the keyring.
const PATIENCE: Duration = Duration::from_secs(120);

/// Whether the keyring may ask the user, for example for its own password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Questions {
    /// It may; a keyring that does not run is started as well.
    Allowed,
    /// It may not; what would need a question fails with [`Error::Locked`].
    Refused,
}

/// The keyring of the user. It has a connection of its own, so that the daemon's objects never wait for it. The connection is
/// kept, because some keyrings ask the user again for each.
#[derive(Debug)]
pub struct Keyring {
    bus: Address,
    connection: Mutex<Option<Connection>>,
}

impl Keyring {
    /// The keyring on this bus. Connects when it is first used.
    pub fn new(bus: Address) -> Self {
        Self { bus, connection: Mutex::new(None) }
    }

    /// The key of the token with this device id; `None` if the keyring has none.
    ///
    /// # Errors
    ///
    /// Any [`Error`].
    pub async fn find(&self, device: &str, questions: Questions) -> Result<Option<SecretBytes>, Error> {
        let session = self.session(questions).await?;
        let found = session.find(device).await;
        session.close().await;
        found
    }

    /// Stores the key of a token in the place of earlier ones. `label` is what the user's program for the keyring shows.
    ///
    /// # Errors
    ///
    /// Any [`Error`].
    pub async fn store(
        &self,
        device: &str,
        key: &SecretBytes,
        label: &str,
        questions: Questions,
    ) -> Result<(), Error> {
        let session = self.session(questions).await?;
        let stored = session.store(device, key, label).await;
        session.close().await;
        stored
    }

    /// Deletes the keys of a token.
    ///
    /// # Errors
    ///
    /// Any [`Error`].
    pub async fn forget(&self, device: &str, questions: Questions) -> Result<(), Error> {
        let session = self.session(questions).await?;
        let deleted = session.delete(device).await;
        session.close().await;
        deleted
    }

    async fn session(&self, questions: Questions) -> Result<Session, Error> {
        let mut connection = self.connection.lock().await;
        if connection.as_ref().is_none_or(Connection::is_closed) {
            let builder = connection::Builder::address(self.bus.clone());
            *connection = Some(within(builder.build()).await?);
        }
        match &*connection {
            Some(connection) => Session::open(connection.clone(), questions).await,
            None => Err(Error::Absent),
        }
    }
}

/// The answer of the keyring within [`TIMEOUT`].
async fn within<T>(call: impl Future<Output = zbus::Result<T>>) -> Result<T, Error> {
    match tokio::time::timeout(TIMEOUT, call).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(Error::Silent),
    }
}
