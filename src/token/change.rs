//! Changes of the credentials on a token.

use super::Error;
use super::link::Repeat;
use super::unlocking::unlocked;
use super::worker::Worker;
use crate::device::Progress;
use crate::oath::{self, Credential, CredentialName, NewCredential, OathSession};

/// A change of the credentials on a token.
#[derive(Debug)]
pub enum Change {
    /// Writes a new credential.
    Add(NewCredential),
    /// Deletes a credential.
    Remove(Credential),
    /// Gives a credential another issuer and account.
    Rename {
        /// The credential.
        credential: Credential,
        /// The new issuer; empty for none.
        issuer: String,
        /// The new account.
        account: String,
    },
}

impl Change {
    fn carry_out(
        &self,
        session: &mut dyn OathSession,
        progress: &dyn Progress,
    ) -> Result<Option<CredentialName>, oath::Error> {
        match self {
            Self::Add(new) => session.add(new, progress).map(Some),
            Self::Remove(credential) => session.remove(credential, progress).map(|()| None),
            Self::Rename { credential, issuer, account } => {
                session.rename(credential, issuer, account, progress).map(Some)
            }
        }
    }
}

impl Worker {
    /// Changes the credentials, and reads the token again. A change is sent at most once.
    pub(super) fn change(
        &mut self,
        change: &Change,
        progress: &dyn Progress,
    ) -> Result<Option<CredentialName>, Error> {
        let known = self.keys.known.clone();
        let result = self.link.in_session(Repeat::UntilBegun, progress, |_, session| {
            change.carry_out(unlocked(session, &known)?, progress)
        });
        let result = result.map_err(|error| {
            self.notice_denial(&error);
            let error = self.notice_other(error);
            self.notice_lock(error)
        });
        let _ = self.read(Repeat::Always, progress);
        result
    }
}
