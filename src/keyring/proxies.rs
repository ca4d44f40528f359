//! The interfaces of the Secret Service API, as far as the daemon uses them. The proxies have no caches.

use std::collections::HashMap;

use zbus::{ObjectPath, OwnedObjectPath, OwnedVariant, Variant};

/// Attributes of an item.
pub(super) type Attributes<'text> = HashMap<&'text str, &'text str>;

/// A secret on its way: session, parameters of the encryption, value, and media type.
pub(super) type Secret<'secret> = (ObjectPath<'secret>, &'secret [u8], &'secret [u8], &'secret str);

/// The same, received.
pub(super) type OwnedSecret = (OwnedObjectPath, Vec<u8>, Vec<u8>, String);

#[zbus::proxy(
    interface = "org.freedesktop.Secret.Service",
    default_service = "org.freedesktop.secrets",
    default_path = "/org/freedesktop/secrets"
)]
pub(super) trait Service {
    fn open_session(
        &self,
        algorithm: &str,
        input: Variant<'_>,
    ) -> zbus::Result<(OwnedVariant, OwnedObjectPath)>;

    /// The unlocked items and the locked ones.
    fn search_items(
        &self,
        attributes: &Attributes<'_>,
    ) -> zbus::Result<(Vec<OwnedObjectPath>, Vec<OwnedObjectPath>)>;

    /// The objects that are unlocked now, and a prompt.
    fn unlock(&self, objects: &[ObjectPath<'_>]) -> zbus::Result<(Vec<OwnedObjectPath>, OwnedObjectPath)>;

    fn read_alias(&self, name: &str) -> zbus::Result<OwnedObjectPath>;
}

#[zbus::proxy(interface = "org.freedesktop.Secret.Collection", default_service = "org.freedesktop.secrets")]
pub(super) trait Collection {
    /// The item and a prompt, of which one is there.
    fn create_item(
        &self,
        properties: HashMap<&str, Variant<'_>>,
        secret: &Secret<'_>,
        replace: bool,
    ) -> zbus::Result<(OwnedObjectPath, OwnedObjectPath)>;

    #[zbus(property)]
    fn locked(&self) -> zbus::Result<bool>;
}

#[zbus::proxy(interface = "org.freedesktop.Secret.Session", default_service = "org.freedesktop.secrets")]
pub(super) trait Session {
    fn close(&self) -> zbus::Result<()>;
}

#[zbus::proxy(interface = "org.freedesktop.Secret.Item", default_service = "org.freedesktop.secrets")]
pub(super) trait Item {
    /// A prompt.
    fn delete(&self) -> zbus::Result<OwnedObjectPath>;

    fn get_secret(&self, session: &ObjectPath<'_>) -> zbus::Result<OwnedSecret>;

    #[zbus(property)]
    fn attributes(&self) -> zbus::Result<HashMap<String, String>>;
}

#[zbus::proxy(interface = "org.freedesktop.Secret.Prompt", default_service = "org.freedesktop.secrets")]
pub(super) trait Prompt {
    fn prompt(&self, window: &str) -> zbus::Result<()>;

    #[zbus(signal)]
    fn completed(&self, dismissed: bool, result: OwnedVariant) -> zbus::Result<()>;
}
