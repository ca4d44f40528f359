//! Unlocks a session with a kept key, or with the secret of an `Unlock`.

use super::keys::{Keys, WipeCounts};
use super::pin;
use crate::device::{self, Progress};
use crate::oath::{Credential, Error, KeySlot, OathSession, UnlockKey};
use crate::secret::{SecretBytes, SecretText};

/// What unlocks a token.
#[derive(Debug)]
pub enum Secret {
    /// The password, or the PIN.
    Text(SecretText),
    /// The key that was derived from the password before.
    Key(SecretBytes),
}

/// A request to unlock a token.
#[derive(Debug)]
pub struct Unlock {
    /// What unlocks it.
    pub secret: Secret,
    /// The wipe counts at the time of the request: a later wipe includes this secret.
    pub since: WipeCounts,
    /// Whether the token may wait for a touch, as it does for a PIN.
    pub may_require_touch: bool,
    /// Whether a PIN may be tried although the token has few attempts left.
    pub allow_last_attempts: bool,
}

/// The lock that an [`Unlock`] has met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Lock {
    #[default]
    None,
    Password,
    Pin,
}

/// The session, unlocked if the token requires that.
pub(super) fn unlocked<'s, 't>(
    session: &'s mut (dyn OathSession + 't),
    keys: &KeySlot,
) -> Result<&'s mut (dyn OathSession + 't), Error> {
    if session.is_locked() {
        session.unlock(keys)?;
    }
    Ok(session)
}

/// Tries the secret of an [`Unlock`], and lists the credentials. `lock` is what an earlier session of the same request has
/// met, and becomes that of this one.
pub(super) fn try_secret(
    session: &mut dyn OathSession,
    unlock: &Unlock,
    keys: &Keys,
    lock: &mut Lock,
    progress: &dyn Progress,
) -> Result<Vec<Credential>, Error> {
    if *lock == Lock::Pin {
        // The card was reset, and the PIN may have cost an attempt.
        return Err(device::Error::Busy.into());
    }
    let key = match &unlock.secret {
        Secret::Text(text) => session.unlock_key(text)?,
        Secret::Key(key) => session.is_locked().then(|| UnlockKey::new(key.clone())),
    };
    let Some(key) = key else { return session.list_while_awaited(progress) };
    keys.try_out(key, unlock.since);
    if !session.description().pin_set {
        *lock = Lock::Password;
        // The session proves the key before it lists.
        return unlocked(session, &keys.tried)?.list_while_awaited(progress);
    }
    *lock = Lock::Pin;
    session.read_attempts()?;
    pin::check_attempts(&session.description(), unlock.allow_last_attempts)?;
    session.unlock(&keys.tried)?;
    session.list_with_pin(progress)
}
