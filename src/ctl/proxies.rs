//! The methods of the daemon that the tool calls. The proxies have no caches.

use std::collections::HashMap;

use zbus::{Fd, OwnedObjectPath, OwnedVariant, Variant};

/// Options of a call.
pub(super) type Options<'value> = HashMap<&'static str, Variant<'value>>;

/// Extras of a reply.
pub(super) type Extra = HashMap<String, OwnedVariant>;

#[zbus::proxy(
    interface = "io.github.oathbridge.OathBridge1.Manager",
    default_service = "io.github.oathbridge.OathBridge1",
    default_path = "/io/github/oathbridge/OathBridge1"
)]
pub(super) trait Manager {
    fn find_credentials(
        &self,
        attributes: HashMap<&str, &str>,
    ) -> zbus::Result<(Vec<OwnedObjectPath>, Vec<OwnedObjectPath>)>;

    fn get_caller_info(&self) -> zbus::Result<Extra>;

    fn reload(&self) -> zbus::Result<()>;

    fn lock_all(&self) -> zbus::Result<()>;
}

#[zbus::proxy(
    interface = "io.github.oathbridge.OathBridge1.Cognito",
    default_service = "io.github.oathbridge.OathBridge1",
    default_path = "/io/github/oathbridge/OathBridge1"
)]
pub(super) trait Cognito {
    fn verify_software_token(
        &self,
        credential: &zbus::ObjectPath<'_>,
        options: Options<'_>,
    ) -> zbus::Result<(String, String, Extra)>;

    fn respond_to_mfa_challenge(
        &self,
        credential: &zbus::ObjectPath<'_>,
        options: Options<'_>,
    ) -> zbus::Result<Extra>;
}

#[zbus::proxy(
    interface = "io.github.oathbridge.OathBridge1.Operation",
    default_service = "io.github.oathbridge.OathBridge1"
)]
pub(super) trait Operation {
    fn cancel(&self) -> zbus::Result<bool>;

    fn get_result(&self) -> zbus::Result<Extra>;

    #[zbus(property)]
    fn state(&self) -> zbus::Result<String>;
}

#[zbus::proxy(
    interface = "io.github.oathbridge.OathBridge1.Credential",
    default_service = "io.github.oathbridge.OathBridge1"
)]
pub(super) trait Credential {
    fn calculate(&self, options: Options<'_>) -> zbus::Result<(String, u64, u64, Extra)>;

    fn remove(&self, options: Options<'_>) -> zbus::Result<()>;

    fn rename(&self, issuer: &str, account: &str, options: Options<'_>) -> zbus::Result<OwnedObjectPath>;
}

#[zbus::proxy(
    interface = "io.github.oathbridge.OathBridge1.Token",
    default_service = "io.github.oathbridge.OathBridge1"
)]
pub(super) trait Token {
    fn unlock(&self, secret: Fd<'_>, options: Options<'_>) -> zbus::Result<()>;

    fn lock(&self) -> zbus::Result<()>;

    fn set_password(&self, new: Fd<'_>, options: Options<'_>) -> zbus::Result<()>;

    fn add_credential(&self, secret: Fd<'_>, options: Options<'_>) -> zbus::Result<OwnedObjectPath>;
}
