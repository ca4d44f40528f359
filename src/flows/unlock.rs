//! Unlocks a token, and locks one or all tokens.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::watch;

use super::explained::explained;
use super::remembered::device_of;
use super::{Error, Flows, Unlocking};
use crate::oath::{TokenId, Touch};
use crate::operations::{Operation, State};
use crate::registry::{Attached, Missing};
use crate::secret::SecretText;
use crate::token::{self, Secret, Stage, Token, Unlock};

/// The timeout for the state `locked` to appear. The keys are already wiped before that.
const LOCKED_STATE_TIMEOUT: Duration = Duration::from_secs(3);

/// What an `Unlock` asks for.
#[derive(Debug)]
pub struct UnlockRequest {
    /// The password, or the PIN.
    pub secret: SecretText,
    /// Whether a PIN may be tried although the token has few attempts left.
    pub allow_last_attempts: bool,
    /// Whether the key that is derived from the password is stored in the user's keyring.
    pub remember: bool,
}

impl Flows {
    /// Registers an `Unlock` of this token. From now on locking the token cancels it.
    pub fn begin_unlock(&self, token: TokenId) -> Arc<Unlocking> {
        self.unlocks.begin(token)
    }

    /// Unlocks the operation's token with its password or PIN, for as long as it stays attached. A PIN may require a touch.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`] if the token is not attached and the request does not wait for it or has waited too long.
    /// [`Error::PasswordTries`] after too many wrong passwords. [`Error::Token`] with the error of the token, and with
    /// [`token::Error::Locked`] if the token is locked meanwhile.
    /// [`Error::TouchRequired`] if it has a PIN that requires a touch and the request must not wait for a person.
    /// [`Error::Unsupported`] if the token has no key to remember; [`Error::NotRemembered`]. Nothing is retried.
    pub async fn unlock(
        &self,
        request: UnlockRequest,
        unlocking: &Unlocking,
        operation: &Operation,
    ) -> Result<(), Error> {
        let Some(id) = operation.token() else { return Err(Missing::Token.into()) };
        let attached = tokio::select! {
            biased;
            () = unlocking.locked() => return Err(token::Error::Locked.into()),
            attached = self.attached(&id, operation) => attached?,
        };
        // Read before the check below, so that a lock after the check wipes the tried key.
        let since = attached.token.wipe_counts();
        if unlocking.is_locked() {
            return Err(token::Error::Locked.into());
        }
        let UnlockRequest { secret, allow_last_attempts, remember } = request;
        if remember {
            device_of(&attached)?;
        }
        let may_require_touch = attached.info.pin_set && attached.info.pin_needs_touch;
        if may_require_touch && !operation.request().interactive {
            return Err(Error::TouchRequired);
        }
        let (stage, stages) = watch::channel(Stage::Queued);
        // A token counts the tries of its PIN itself.
        let has_password = !attached.info.pin_set;
        let unlock = Unlock { secret: Secret::Text(secret), since, may_require_touch, allow_last_attempts };
        let touch = if may_require_touch { Touch::Yes } else { Touch::No };
        let request = self.watched(attached.token.unlock(unlock, stage), stages, touch, operation);
        let tried = async { if has_password { self.tried(&id, request).await } else { request.await } };
        tokio::select! {
            biased;
            // The key is wiped as well, but a token may wait for a touch for long after that.
            () = unlocking.locked() => return Err(token::Error::Locked.into()),
            result = tried => result?,
        }
        self.attempts.release(&id);
        if remember { self.remember(&attached, operation).await } else { Ok(()) }
    }

    /// The token with this id; waits until it is attached.
    pub(super) async fn attached(&self, id: &TokenId, operation: &Operation) -> Result<Arc<Attached>, Error> {
        let mut snapshots = self.registry.subscribe();
        let mut limit = self.clock.sleep(operation.deadline().person(&*self.clock));
        if !snapshots.borrow().tokens.contains_key(id) {
            self.registry.rescanned().await;
        }
        loop {
            let snapshot = Arc::clone(&snapshots.borrow_and_update());
            if let Some(attached) = snapshot.tokens.get(id) {
                return Ok(Arc::clone(attached));
            }
            let error = explained(Missing::Token.into(), &snapshot);
            if !operation.request().wait_for_token {
                return Err(error);
            }
            operation.set_state(State::WaitingToken);
            tokio::select! {
                Ok(()) = snapshots.changed() => {}
                () = &mut limit => return Err(error),
                else => return Err(error),
            }
        }
    }

    /// Wipes a token's key, and cancels pending unlocks of the token. A remembered key is not used until the next `Unlock`.
    ///
    /// # Errors
    ///
    /// [`token::Error::Busy`] if too many requests wait for the token.
    pub async fn lock(&self, attached: &Attached) -> Result<(), token::Error> {
        self.attempts.hold(&attached.info.id);
        self.unlocks.lock(Some(&attached.info.id));
        attached.handles().for_each(Token::wipe);
        // A standby device that stayed unlocked in the registry would serve the token from here on.
        let standby = async {
            tokio::select! {
                _ = join_all(attached.standby.iter().map(Token::lock)) => {}
                () = self.clock.sleep(LOCKED_STATE_TIMEOUT) => {}
            }
        };
        tokio::join!(attached.token.lock(), standby).0
    }

    /// Wipes the keys of all tokens at once, including tokens that are busy or hang. Cancels all pending unlocks, including
    /// those of tokens that are not attached.
    pub async fn lock_all(&self) {
        // Cancelled before the keys are wiped: an unlock that is too late to be cancelled has its key wiped.
        self.unlocks.lock(None);
        let snapshot = self.registry.now();
        let handles = || snapshot.tokens.values().flat_map(|attached| attached.handles());
        handles().for_each(Token::wipe);
        // An error is visible as the token's state.
        let locks = handles().map(Token::lock);
        tokio::select! {
            _ = join_all(locks) => {}
            () = self.clock.sleep(LOCKED_STATE_TIMEOUT) => {}
        }
    }
}
