//! Unlock a token, and lock all of them.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;

use super::{Error, Flows, Unlocking};
use crate::oath::TokenId;
use crate::operations::{Operation, State};
use crate::registry::{Attached, Missing};
use crate::secret::SecretText;
use crate::token::{self, Token};

/// How long tokens may take to show that they are locked. Their keys are gone before that.
const SHOWN: Duration = Duration::from_secs(3);

impl Flows {
    /// An `Unlock` of this token, to be noted before anything else: who locks the token from now on calls it off.
    pub fn begin_unlock(&self, token: TokenId) -> Arc<Unlocking> {
        self.unlocks.begin(token)
    }

    /// Unlocks the operation's token with its password, for as long as it stays attached.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`] when it isn't attached, and the request doesn't wait for it or has waited long enough;
    /// [`Error::Token`] with what the token says, and [`token::Error::Locked`] when somebody locks it meanwhile. Nothing is
    /// retried.
    pub async fn unlock(
        &self,
        password: SecretText,
        unlocking: &Unlocking,
        operation: &Operation,
    ) -> Result<(), Error> {
        let Some(id) = operation.token() else { return Err(Missing::Token.into()) };
        let attached = tokio::select! {
            biased;
            () = unlocking.locked() => return Err(token::Error::Locked.into()),
            attached = self.attached(&id, operation) => attached?,
        };
        // Taken before the look: a lock that comes after the look wipes what is tried.
        let since = attached.token.since();
        if unlocking.is_locked() {
            return Err(token::Error::Locked.into());
        }
        operation.set_state(State::Calculating);
        tokio::select! {
            result = attached.token.unlock(password, since) => Ok(result?),
            () = self.clock.sleep(operation.deadline().left(&*self.clock)) => Err(token::Error::Busy.into()),
        }
    }

    /// The token with this id, as soon as it is attached.
    async fn attached(&self, id: &TokenId, operation: &Operation) -> Result<Arc<Attached>, Error> {
        let mut snapshots = self.registry.subscribe();
        let mut limit = self.clock.sleep(operation.deadline().person(&*self.clock));
        if !snapshots.borrow().tokens.contains_key(id) {
            self.registry.searched().await;
        }
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

    /// Forgets a token's key, and calls off what would unlock it.
    ///
    /// # Errors
    ///
    /// [`token::Error::Busy`] when too many requests wait for it.
    pub async fn lock(&self, id: &TokenId, token: &Token) -> Result<(), token::Error> {
        self.unlocks.lock(Some(id));
        token.lock().await
    }

    /// Forgets the keys of all tokens: at once, also of those that are busy or hang. Calls off what would unlock one, also
    /// of those that aren't attached.
    pub async fn lock_all(&self) {
        // Before the keys: what is called off too late for this has its key wiped.
        self.unlocks.lock(None);
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
