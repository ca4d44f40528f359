//! Sets, changes and clears the password of a token.

use tokio::sync::watch;

use super::{Error, Flows, Unlocking};
use crate::oath::{TokenId, Touch};
use crate::operations::Operation;
use crate::registry::Missing;
use crate::secret::SecretText;
use crate::token::{self, SetPassword, Stage};

impl Flows {
    /// Sets the password of the operation's token; `None` clears it. `current` is the one that it has; without it, the token
    /// must be unlocked or have none. The token stays unlocked.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`] if the token is not attached; [`Error::PasswordTries`] after too many wrong passwords;
    /// [`Error::Token`], with [`token::Error::Locked`] also if the token was locked meanwhile. Nothing is retried.
    pub async fn set_password(
        &self,
        new: Option<SecretText>,
        current: Option<SecretText>,
        unlocking: &Unlocking,
        operation: &Operation,
    ) -> Result<(), Error> {
        let Some(id) = operation.token() else { return Err(Missing::Token.into()) };
        let attached = tokio::select! {
            biased;
            () = unlocking.locked() => return Err(token::Error::Locked.into()),
            attached = self.attached(&id, operation) => attached?,
        };
        // Read before the check below, so that a lock after the check wipes both passwords before they are sent.
        let since = attached.token.wipe_counts();
        if unlocking.is_locked() {
            return Err(token::Error::Locked.into());
        }
        let (stage, stages) = watch::channel(Stage::Queued);
        let is_try = current.is_some();
        let request = SetPassword { new, current, since };
        let set = self.watched(attached.token.set_password(request, stage), stages, Touch::No, operation);
        if is_try {
            self.tried(&id, set).await?
        } else {
            set.await?
        }
        self.remember_change(&attached).await;
        Ok(())
    }

    /// A request that tries a password of a token. It counts as a wrong one until its result is known.
    ///
    /// # Errors
    ///
    /// [`Error::PasswordTries`], and those of the request.
    pub(super) async fn tried(
        &self,
        token: &TokenId,
        request: impl Future<Output = Result<(), Error>>,
    ) -> Result<(), Error> {
        let begun = self.password_tries.begin(token, self.clock.monotonic());
        begun.map_err(|wait| Error::PasswordTries { wait })?;
        let result = request.await;
        match &result {
            Ok(()) => self.password_tries.not_refused(token, true),
            Err(Error::Token(token::Error::WrongPassword)) => {}
            Err(_) => self.password_tries.not_refused(token, false),
        }
        result
    }
}
