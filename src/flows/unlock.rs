//! Unlock a token, and lock all of them.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;

use super::{Error, Flows};
use crate::operations::{Operation, State};
use crate::registry::{Attached, Missing};
use crate::secret::SecretText;
use crate::token;

/// How long tokens may take to show that they are locked. Their keys are gone before that.
const SHOWN: Duration = Duration::from_secs(3);

impl Flows {
    /// Unlocks the operation's token with its password, for as long as it stays attached.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`] when it isn't attached, and the request doesn't wait for it or has waited long enough;
    /// [`Error::Token`] with what the token says. Nothing is retried.
    pub async fn unlock(&self, password: SecretText, operation: &Operation) -> Result<(), Error> {
        let attached = self.attached(&operation.token().unwrap_or_default(), operation).await?;
        operation.set_state(State::Calculating);
        tokio::select! {
            result = attached.token.unlock(password) => Ok(result?),
            () = self.clock.sleep(operation.deadline().left(&*self.clock)) => Err(token::Error::Busy.into()),
        }
    }

    /// The token with this id, as soon as it is attached.
    async fn attached(&self, id: &str, operation: &Operation) -> Result<Arc<Attached>, Error> {
        let mut snapshots = self.registry.subscribe();
        let mut limit = self.clock.sleep(operation.deadline().person(&*self.clock));
        loop {
            if let Some(attached) = snapshots.borrow_and_update().tokens.get(id) {
                return Ok(Arc::clone(attached));
            }
            if !operation.request().wait_for_token {
                return Err(Missing::Token.into());
            }
            operation.set_state(State::WaitingToken);
            tokio::select! {
                Ok(()) = snapshots.changed() => {}
                () = &mut limit => return Err(Missing::Token.into()),
                else => return Err(Missing::Token.into()),
            }
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
