//! Sets, changes and clears the password of a token.

use tokio::sync::watch;

use super::caller::Caller;
use super::keys::WipeCounts;
use super::link::Repeat;
use super::unlocking::unlocked;
use super::worker::Worker;
use super::{Error, Stage, TRANSACTION_LIMIT, Token};
use crate::device::{NoProgress, Progress};
use crate::oath;
use crate::secret::SecretText;

/// A request to set the password of a token.
#[derive(Debug)]
pub struct SetPassword {
    /// The new password; `None` clears it.
    pub new: Option<SecretText>,
    /// The current password; without it, the kept key unlocks the token.
    pub current: Option<SecretText>,
    /// The wipe counts at the time of the request: a later wipe includes both passwords.
    pub since: WipeCounts,
}

impl Token {
    /// Sets, changes or clears the password of the token, and reads the token again. The token stays unlocked.
    ///
    /// # Errors
    ///
    /// [`Error::WrongPassword`] if the token refuses the current password, after one attempt; [`Error::Locked`] if it has one
    /// that is not known, or if keys were wiped after [`SetPassword::since`]; [`Error::Unsupported`];
    /// [`Error::MaybeChanged`] if the answer was lost.
    pub async fn set_password(&self, request: SetPassword, stage: watch::Sender<Stage>) -> Result<(), Error> {
        let set = move |worker: &mut Worker, caller: &Caller<()>| {
            caller.answer(worker.set_password(&request, caller));
        };
        self.ask(TRANSACTION_LIMIT, stage, set).await
    }
}

impl Worker {
    /// Sets the password, and reads the token again. It is sent at most once.
    pub(super) fn set_password(
        &mut self,
        request: &SetPassword,
        progress: &dyn Progress,
    ) -> Result<(), Error> {
        let keys = self.keys.clone();
        let (current, since) = (request.current.as_ref(), request.since);
        let result = self.link.in_session(Repeat::UntilBegun, progress, |_, session| {
            match current.map(|current| session.unlock_key(current)).transpose()?.flatten() {
                Some(key) => {
                    keys.try_out(key, since);
                    unlocked(session, &keys.tried)?;
                }
                // The token has no password, or the caller does not tell it.
                None => drop(unlocked(session, &keys.known)?),
            }
            let Some(new) = &request.new else { return session.set_key(None, progress) };
            keys.try_out(session.new_key(new)?, since);
            session.set_key(Some(&keys.tried), progress)
        });
        let result = result.map_err(|error| {
            keys.tried.take();
            self.notice_denial(&error);
            let error = self.notice_other(error);
            match error {
                // It says nothing about the kept key.
                oath::Error::WrongPassword if current.is_some() => Error::WrongPassword,
                error => self.notice_lock(error),
            }
        });
        match (&result, &request.new) {
            (Ok(()), Some(_)) => {
                keys.forget();
                // After a wipe the token is locked.
                let _ = keys.keep_tried(since);
            }
            (Ok(()), None) => keys.forget(),
            (Err(_), _) => {}
        }
        let is_changed = matches!(result, Ok(()) | Err(Error::MaybeChanged | Error::Malformed(_)));
        if is_changed {
            // Also for a caller that has left meanwhile, because the objects must be those of the token.
            let _ = self.read(Repeat::Always, &NoProgress);
        }
        result
    }
}
