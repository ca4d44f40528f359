//! Unlock a token, and lock all of them.

use std::time::Duration;

use futures_util::future::join_all;

use super::{Error, Flows};
use crate::operations::{Operation, State};
use crate::registry::Missing;
use crate::secret::SecretText;
use crate::token;

/// How long tokens may take to show that they are locked. Their keys are gone before that.
const SHOWN: Duration = Duration::from_secs(3);

impl Flows {
    /// Unlocks the operation's token with its password, for as long as it stays attached.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`] when it isn't attached, [`Error::Token`] with what the token says. Nothing is retried.
    pub async fn unlock(&self, password: SecretText, operation: &Operation) -> Result<(), Error> {
        let id = operation.token().unwrap_or_default();
        let attached = self.registry.now().tokens.get(&id).cloned().ok_or(Missing::Token)?;
        operation.set_state(State::Calculating);
        tokio::select! {
            result = attached.token.unlock(password) => Ok(result?),
            () = self.clock.sleep(operation.deadline().left(&*self.clock)) => Err(token::Error::Busy.into()),
        }
    }

    /// Forgets the keys of all tokens: at once, also of those that are busy or hang.
    pub async fn lock_all(&self) {
        let snapshot = self.registry.now();
        snapshot.tokens.values().for_each(|attached| attached.token.wipe());
        // What went wrong shows as the token's state.
        let locks = snapshot.tokens.values().map(|attached| attached.token.lock());
        tokio::select! {
            _ = join_all(locks) => {}
            () = self.clock.sleep(SHOWN) => {}
        }
    }
}
