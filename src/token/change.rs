//! Changes of the credentials on a token.

use super::link::Repeat;
use super::unlocking::unlocked;
use super::{Error, Stage, TOUCH_TRANSACTION_LIMIT, TRANSACTION_LIMIT, Token};
use tokio::sync::watch;

use super::caller::Caller;
use super::worker::Worker;
use crate::device::{NoProgress, Progress};
use crate::oath::{self, Credential, CredentialName, Kind, NewCredential, OathSession};
use crate::otp::Period;

/// What the name of a credential on its token is made of.
#[derive(Debug)]
pub struct Naming {
    /// The kind of its codes.
    pub kind: Kind,
    /// The period of a code.
    pub period: Period,
    /// The issuer; empty for none.
    pub issuer: String,
    /// The account.
    pub account: String,
}

impl Naming {
    /// That of a new credential.
    pub fn of(new: &NewCredential) -> Self {
        let (issuer, account) = (new.issuer.clone(), new.account.clone());
        Self { kind: new.kind, period: new.period, issuer, account }
    }
}

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

impl Token {
    /// The name that a credential gets on the token. Selects the application, and changes nothing.
    ///
    /// # Errors
    ///
    /// Any [`Error`].
    pub async fn name(&self, naming: Naming, stage: watch::Sender<Stage>) -> Result<CredentialName, Error> {
        let name = move |worker: &mut Worker, caller: &Caller<_>| caller.answer(worker.name(&naming, caller));
        self.ask(TRANSACTION_LIMIT, stage, name).await
    }

    /// Changes the credentials of the token, and reads it again. Returns the name of the credential that was added or renamed.
    ///
    /// # Errors
    ///
    /// Any [`Error`]; [`Error::MaybeChanged`] if the answer was lost. The token is read again after an error as well.
    pub async fn change(
        &self,
        change: Change,
        stage: watch::Sender<Stage>,
    ) -> Result<Option<CredentialName>, Error> {
        self.ask(TOUCH_TRANSACTION_LIMIT, stage, move |worker, caller| {
            caller.answer(worker.change(&change, caller));
        })
        .await
    }
}

impl Worker {
    /// The name of a credential. Changes nothing.
    pub(super) fn name(&mut self, naming: &Naming, progress: &dyn Progress) -> Result<CredentialName, Error> {
        let Naming { kind, period, issuer, account } = naming;
        let name = self
            .link
            .in_session(Repeat::Always, progress, |_, session| session.name(*kind, *period, issuer, account));
        name.map_err(|error| {
            self.notice_denial(&error);
            self.notice_other(error).into()
        })
    }

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
        // Also for a caller that has left meanwhile, because the objects must be those of the token.
        let _ = self.read(Repeat::Always, &NoProgress);
        result
    }
}
