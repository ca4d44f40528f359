//! The calls that change the credentials on a token, and its password.

use std::time::Duration;

use zbus::{Fd, Variant};

use super::Failure;
use super::bus::{Bus, REPLY_GRACE, within};
use super::proxies::{CredentialProxy, Options, TokenProxy};

/// How long to wait for the token, and for the touch that some tokens want before they change anything.
pub(super) const TIMEOUT_SECONDS: u32 = 90;
pub(super) const TIMEOUT: Duration = Duration::from_secs(TIMEOUT_SECONDS as u64);

/// The options of a removal that the user has confirmed.
pub(super) fn removal() -> Options<'static> {
    Options::from([("timeout", Variant::from(TIMEOUT_SECONDS)), ("confirm", true.into())])
}

impl Bus {
    /// Adds a credential to a token, and returns its path.
    pub(super) async fn add(
        &self,
        token: &str,
        secret: Fd<'_>,
        options: Options<'_>,
        timeout: Duration,
    ) -> Result<String, Failure> {
        let call = async {
            let proxy = TokenProxy::builder(&self.connection).path(token).build().await?;
            proxy.add_credential(secret, options).await
        };
        Ok(within(timeout + REPLY_GRACE, call).await??.to_string())
    }

    /// Sets or clears the password of a token.
    pub(super) async fn set_password(
        &self,
        token: &str,
        new: Fd<'_>,
        options: Options<'_>,
        timeout: Duration,
    ) -> Result<(), Failure> {
        let call = async {
            let proxy = TokenProxy::builder(&self.connection).path(token).build().await?;
            proxy.set_password(new, options).await
        };
        Ok(within(timeout + REPLY_GRACE, call).await??)
    }

    pub(super) async fn remove(
        &self,
        credential: &str,
        options: Options<'_>,
        timeout: Duration,
    ) -> Result<(), Failure> {
        let call = async {
            let proxy = CredentialProxy::builder(&self.connection).path(credential).build().await?;
            proxy.remove(options).await
        };
        Ok(within(timeout + REPLY_GRACE, call).await??)
    }

    /// Renames a credential, and returns its new path.
    pub(super) async fn rename(
        &self,
        credential: &str,
        (issuer, account): (&str, &str),
        options: Options<'_>,
        timeout: Duration,
    ) -> Result<String, Failure> {
        let call = async {
            let proxy = CredentialProxy::builder(&self.connection).path(credential).build().await?;
            proxy.rename(issuer, account, options).await
        };
        Ok(within(timeout + REPLY_GRACE, call).await??.to_string())
    }
}
