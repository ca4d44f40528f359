//! Adds, removes and renames credentials.

use tokio::sync::watch;

use super::code::{blocking, spent};
use super::{Error, Flows, Target};
use crate::oath::{CredentialName, NewCredential, ObjectId, Touch};
use crate::operations::Operation;
use crate::otp::Period;
use crate::registry::{Attached, Found, Missing};
use crate::token::{self, Change, Naming, Stage};

impl Flows {
    /// Writes a credential to the operation's token. With `same_seed_as` it shares the single-use record of that credential.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`] if the token is not attached, and if the token of `same_seed_as` is attached and has no such
    /// credential; [`Error::Token`]; [`Error::StateUnavailable`] with `same_seed_as`, if the record is not usable. Nothing is
    /// retried.
    pub async fn add(
        &self,
        new: NewCredential,
        same_seed_as: Option<&ObjectId>,
        operation: &Operation,
    ) -> Result<ObjectId, Error> {
        let Some(id) = operation.token() else { return Err(Missing::Token.into()) };
        let attached = self.attached(&id, operation).await?;
        let naming = Naming::of(&new);
        if let Some(other) = same_seed_as {
            // A credential of a token that is not attached, or is locked, may be there.
            if let Err(missing @ Missing::Credential) = self.registry.now().credential(other) {
                return Err(missing.into());
            }
            let period = naming.period;
            let name = self.name(&attached, naming, operation).await?;
            // Before the seed can be used on this token.
            self.share_record(&ObjectId::new(&id, &name), other, period).await?;
        }
        let name = self.change(&attached, Change::Add(new), operation).await?;
        let new = ObjectId::new(&id, &name.ok_or(Missing::Credential)?);
        self.listed(new).await
    }

    /// Deletes a credential from its token.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`] or [`Error::Token`]. Nothing is retried.
    pub async fn remove(&self, credential: &ObjectId, operation: &Operation) -> Result<(), Error> {
        let found = self.found(credential, operation).await?;
        self.change(&found.token, Change::Remove(found.credential), operation).await.map(drop)
    }

    /// Renames a credential, which keeps its single-use record.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`], [`Error::Token`], and [`Error::StateUnavailable`] if the record is not usable. Nothing is retried.
    pub async fn rename(
        &self,
        credential: &ObjectId,
        issuer: String,
        account: String,
        operation: &Operation,
    ) -> Result<ObjectId, Error> {
        let Found { token, credential: found, .. } = self.found(credential, operation).await?;
        let naming = Naming {
            kind: found.kind,
            period: found.name.period,
            issuer: issuer.clone(),
            account: account.clone(),
        };
        let name = self.name(&token, naming, operation).await?;
        let new = ObjectId::new(&token.info.id, &name);
        // Before the new name can be used.
        self.share_record(&new, credential, found.name.period).await?;
        let change = Change::Rename { credential: found, issuer, account };
        let renamed = self.change(&token, change, operation).await;
        use token::Error as Token;
        let unused = match &renamed {
            Ok(_) => Some(credential),
            Err(Error::Token(
                Token::AlreadyExists | Token::Unsupported(_) | Token::NoSuchCredential | Token::Locked,
            )) => Some(&new),
            // The token may have carried it out, or may still do so.
            Err(_) => None,
        };
        if let Some(unused) = unused {
            self.forget_name(unused).await;
        }
        renamed?;
        self.listed(new).await
    }

    /// The credential, if the token lists it after the change.
    async fn listed(&self, credential: ObjectId) -> Result<ObjectId, Error> {
        self.registry.caught_up().await;
        match self.registry.now().credential(&credential) {
            Ok(_) => Ok(credential),
            // The token could not be read, or has lost what it has confirmed.
            Err(_) => Err(token::Error::MaybeChanged.into()),
        }
    }

    async fn found(&self, credential: &ObjectId, operation: &Operation) -> Result<Found, Error> {
        self.find(&Target::Id(credential.clone()), operation).await
    }

    /// The name that a credential gets on the token.
    async fn name(
        &self,
        token: &Attached,
        naming: Naming,
        operation: &Operation,
    ) -> Result<CredentialName, Error> {
        let (stage, stages) = watch::channel(Stage::Queued);
        self.watched(token.token.name(naming, stage), stages, Touch::No, operation).await
    }

    async fn change(
        &self,
        token: &Attached,
        change: Change,
        operation: &Operation,
    ) -> Result<Option<CredentialName>, Error> {
        let (stage, stages) = watch::channel(Stage::Queued);
        self.watched(token.token.change(change, stage), stages, Touch::Unknown, operation).await
    }

    /// Forgets the name of a renamed credential, or the one that its token has refused.
    async fn forget_name(&self, credential: &ObjectId) {
        let (guard, name) = (self.guard.clone(), credential.to_string());
        if let Err(error) = blocking(move || guard.forget_name(&name)).await {
            tracing::warn!("the record keeps the old name of a credential: {error}");
        }
    }

    async fn share_record(&self, new: &ObjectId, with: &ObjectId, period: Period) -> Result<(), Error> {
        if self.registry.now().credential(new).is_ok() {
            return Err(token::Error::AlreadyExists.into());
        }
        let (guard, new, with, now) =
            (self.guard.clone(), new.to_string(), with.to_string(), self.moment(period));
        let shared = blocking(move || guard.share(&new, &with, now)).await;
        shared.map_err(|error| spent(error, period))
    }
}
