//! The items of access keys.
//!
//! Keyrings differ. All of them replace an item whose attributes are more than those of the new one, so the attributes are
//! always the same, and an item is deleted by its path and created without replacing. KeePassXC adds attributes. KWallet
//! refuses an empty label, and returns an empty secret for a locked item.

use std::collections::HashMap;

use zbus::proxy::CacheProperties;
use zbus::{Connection, OwnedObjectPath, Variant, fdo};

use super::prompt::{NONE, answered};
use super::proxies::{Attributes, CollectionProxy, ItemProxy, Secret, ServiceProxy, SessionProxy};
use super::{Error, Questions, within};
use crate::secret::SecretBytes;

/// The name of the Secret Service on the bus.
const NAME: &str = "org.freedesktop.secrets";

/// The schema of our items.
const SCHEMA: &str = "io.github.oathbridge.AccessKey";

/// The transfer without encryption. The bus is local, and its encryption keeps nothing from a program that can read it.
const PLAIN: &str = "plain";

/// A session of the Secret Service.
pub(super) struct Session {
    connection: Connection,
    service: ServiceProxy<'static>,
    path: OwnedObjectPath,
    questions: Questions,
}

fn attributes(device: &str) -> Attributes<'_> {
    HashMap::from([("xdg:schema", SCHEMA), ("device", device)])
}

impl Session {
    /// # Errors
    ///
    /// [`Error::Absent`] if no keyring runs, and none may be started or there is none.
    pub(super) async fn open(connection: Connection, questions: Questions) -> Result<Self, Error> {
        if questions == Questions::Refused {
            let bus = within(fdo::DBusProxy::new(&connection)).await?;
            let runs = within(async { Ok(bus.name_has_owner(NAME.try_into()?).await?) }).await?;
            if !runs {
                return Err(Error::Absent);
            }
        }
        let service = within(ServiceProxy::new(&connection)).await?;
        let (_, path) = within(service.open_session(PLAIN, Variant::from(""))).await?;
        Ok(Self { connection, service, path, questions })
    }

    /// The key of the token with this device id.
    pub(super) async fn find(&self, device: &str) -> Result<Option<SecretBytes>, Error> {
        let (unlocked, locked) = within(self.service.search_items(&attributes(device))).await?;
        for item in unlocked {
            if let Some(key) = self.key(&item, device).await? {
                return Ok(Some(key));
            }
        }
        for item in locked {
            self.unlock(&item).await?;
            if let Some(key) = self.key(&item, device).await? {
                return Ok(Some(key));
            }
        }
        Ok(None)
    }

    /// Stores the key in the default collection.
    pub(super) async fn store(&self, device: &str, key: &SecretBytes, label: &str) -> Result<(), Error> {
        let collection = within(self.service.read_alias("default")).await?;
        if collection.as_str() == NONE {
            return Err(Error::NoCollection);
        }
        let proxy = self.collection(&collection).await?;
        if within(proxy.locked()).await? {
            self.unlock(&collection).await?;
        }
        self.delete(device).await?;
        let properties = HashMap::from([
            ("org.freedesktop.Secret.Item.Label", Variant::from(label)),
            ("org.freedesktop.Secret.Item.Attributes", Variant::from(attributes(device))),
        ]);
        let value = SecretBytes::new(data_encoding::HEXLOWER.encode(key.expose()).into_bytes());
        let secret: Secret<'_> = (self.path.as_ref(), &[], value.expose(), "text/plain");
        let (_, prompt) = within(proxy.create_item(properties, &secret, false)).await?;
        answered(&self.connection, &prompt, self.questions).await
    }

    /// Deletes the items of the token with this device id.
    pub(super) async fn delete(&self, device: &str) -> Result<(), Error> {
        let (unlocked, locked) = within(self.service.search_items(&attributes(device))).await?;
        for path in unlocked.into_iter().chain(locked) {
            let item = self.item(&path).await?;
            if is_ours(&item, device).await? {
                let prompt = within(item.delete()).await?;
                answered(&self.connection, &prompt, self.questions).await?;
            }
        }
        Ok(())
    }

    /// The key of an item; `None` if the item is another one, or has no key.
    async fn key(&self, path: &OwnedObjectPath, device: &str) -> Result<Option<SecretBytes>, Error> {
        let item = self.item(path).await?;
        if !is_ours(&item, device).await? {
            return Ok(None);
        }
        let session = self.path.as_ref();
        let mut value = within(item.get_secret(&session)).await.map(|secret| SecretBytes::new(secret.2));
        if is_locked(&value) {
            self.unlock(path).await?;
            value = within(item.get_secret(&session)).await.map(|secret| SecretBytes::new(secret.2));
        }
        if is_locked(&value) {
            return Err(Error::Locked);
        }
        Ok(data_encoding::HEXLOWER_PERMISSIVE.decode(value?.expose()).ok().map(SecretBytes::new))
    }

    async fn unlock(&self, object: &OwnedObjectPath) -> Result<(), Error> {
        let (_, prompt) = within(self.service.unlock(&[object.as_ref()])).await?;
        answered(&self.connection, &prompt, self.questions).await
    }

    async fn item<'path>(&self, path: &'path OwnedObjectPath) -> Result<ItemProxy<'path>, Error> {
        let builder = ItemProxy::builder(&self.connection).path(path.as_ref());
        within(builder.cache_properties(CacheProperties::No).build()).await
    }

    async fn collection<'path>(&self, path: &'path OwnedObjectPath) -> Result<CollectionProxy<'path>, Error> {
        let builder = CollectionProxy::builder(&self.connection).path(path.as_ref());
        within(builder.cache_properties(CacheProperties::No).build()).await
    }

    /// Ends the session, whose connection stays.
    pub(super) async fn close(self) {
        let close = async {
            let builder = SessionProxy::builder(&self.connection).path(self.path.as_ref());
            builder.cache_properties(CacheProperties::No).build().await?.close().await
        };
        // A keyring that does not know this method keeps sessions until the connection ends.
        let _ = within(close).await;
    }
}

fn is_locked(value: &Result<SecretBytes, Error>) -> bool {
    match value {
        Ok(value) => value.expose().is_empty(),
        Err(error) => *error == Error::Locked,
    }
}

/// Whether the item has our attributes. It may have more.
async fn is_ours(item: &ItemProxy<'_>, device: &str) -> Result<bool, Error> {
    let found = within(item.attributes()).await?;
    Ok(attributes(device).iter().all(|(name, value)| found.get(*name).is_some_and(|found| found == value)))
}
