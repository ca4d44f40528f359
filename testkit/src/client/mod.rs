//! A D-Bus client of the daemon, like a desktop application.

mod refusal;
mod signals;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use oathbridge::dbus::names;
use rustix::fs::{MemfdFlags, memfd_create};
use serde::de::DeserializeOwned;
use zbus::{Connection, Fd, ObjectPath, OwnedObjectPath, OwnedVariant, Type, Variant, connection, fdo};

pub use refusal::Refusal;
pub use signals::{Event, Signals};

/// The timeout for a call; no correct call takes longer.
const CALL_TIMEOUT: Duration = Duration::from_secs(60);

/// The timeout for the daemon's name to appear or disappear.
const NAME_TIMEOUT: Duration = Duration::from_secs(60);

/// The pause between two looks at something that has no event.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Options of a call.
pub type Options<'a> = HashMap<&'a str, Variant<'a>>;

/// The additional values of a reply.
pub type Extra = HashMap<String, OwnedVariant>;

/// A reply of `Calculate`.
#[derive(Debug)]
pub struct Code {
    /// The digits.
    pub code: String,
    /// The start of its validity, Unix seconds; 0 for a counter-based credential.
    pub from: u64,
    /// The end of its validity.
    pub until: u64,
    /// `next-code`, if requested.
    pub next: Option<String>,
}

/// A reply of `VerifySoftwareToken`.
#[derive(Debug)]
pub struct Verified {
    /// `SUCCESS`.
    pub status: String,
    /// The next session; empty if there is none.
    pub session: String,
    /// The additional values.
    pub extra: Extra,
}

/// A connection to the bus. Clones share it.
#[derive(Clone, Debug)]
pub struct Client {
    connection: Connection,
}

impl Client {
    /// Connects to the bus.
    ///
    /// # Errors
    ///
    /// The bus is missing or refuses the connection.
    pub async fn connect(address: &str) -> zbus::Result<Self> {
        Ok(Self { connection: connection::Builder::address(address).build().await? })
    }

    /// The connection, for calls without a method of this type.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Waits until the daemon's name is on the bus, or until it is not.
    ///
    /// # Errors
    ///
    /// The timeout of 60 s passed, or the connection is lost.
    pub async fn wait_for_name(&self, present: bool) -> zbus::Result<()> {
        let bus = fdo::DBusProxy::new(&self.connection).await?;
        let mut changes = bus.receive_name_owner_changed_with_args(&[(0, names::BUS)]).await?;
        let wait = async {
            while bus.name_has_owner(names::BUS.try_into()?).await? != present {
                changes.next().await;
            }
            Ok(())
        };
        let late = || zbus::Error::Failure(format!("the name is not {present} after {NAME_TIMEOUT:?}"));
        tokio::time::timeout(NAME_TIMEOUT, wait).await.map_err(|_| late())?
    }

    /// Has the daemon read its configuration.
    ///
    /// # Errors
    ///
    /// The call was refused.
    pub async fn reload(&self) -> Result<(), Refusal> {
        self.call(names::ROOT, "Manager", "Reload", &()).await
    }

    /// Waits until logind has told the daemon that the screen is not locked. On a busy machine it tells it late.
    ///
    /// # Errors
    ///
    /// The timeout of 60 s passed, or a call was refused.
    pub async fn wait_for_unlocked_screen(&self) -> Result<(), Refusal> {
        let end = Instant::now() + NAME_TIMEOUT;
        loop {
            let info: Extra = self.call(names::ROOT, "Manager", "GetCallerInfo", &()).await?;
            let word = info.get("screen").and_then(|word| <&str>::try_from(word).ok());
            if word == Some("unlocked") {
                return Ok(());
            }
            if Instant::now() > end {
                let late = format!("the screen is {word:?} after {NAME_TIMEOUT:?}");
                return Err(zbus::Error::Failure(late).into());
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    /// All signals of the daemon from now on.
    ///
    /// # Errors
    ///
    /// The bus refuses the match rule.
    pub async fn signals(&self) -> zbus::Result<Signals> {
        Signals::of(&self.connection).await
    }

    /// Calls a method of one of our interfaces; `interface` is the last part of its name.
    ///
    /// # Errors
    ///
    /// The error reply of the daemon or the bus.
    pub async fn call<B, R>(&self, path: &str, interface: &str, method: &str, body: &B) -> Result<R, Refusal>
    where
        B: serde::Serialize + zbus::DynamicType,
        R: DeserializeOwned + Type,
    {
        let interface = format!("{}.{interface}", names::BUS);
        self.call_any(path, &interface, method, body).await
    }

    /// `Calculate` of a credential.
    ///
    /// # Errors
    ///
    /// Like [`Client::call`].
    pub async fn calculate(&self, credential: &str, options: Options<'_>) -> Result<Code, Refusal> {
        let (code, from, until, mut extra): (String, u64, u64, Extra) =
            self.call(credential, "Credential", "Calculate", &options).await?;
        let next = extra.remove("next-code").map(String::try_from).transpose().map_err(Refusal::from)?;
        Ok(Code { code, from, until, next })
    }

    /// `VerifySoftwareToken`.
    ///
    /// # Errors
    ///
    /// Like [`Client::call`].
    pub async fn verify(&self, credential: &str, options: Options<'_>) -> Result<Verified, Refusal> {
        let credential = ObjectPath::try_from(credential)?;
        let (status, session, extra) =
            self.call(names::ROOT, "Cognito", "VerifySoftwareToken", &(credential, options)).await?;
        Ok(Verified { status, session, extra })
    }

    /// `Unlock` of a token, with the password in a memfd.
    ///
    /// # Errors
    ///
    /// Like [`Client::call`].
    pub async fn unlock(&self, token: &str, password: &str) -> Result<(), Refusal> {
        let secret = memfd(password.as_bytes()).map_err(|error| zbus::Error::Failure(error.to_string()))?;
        self.unlock_with(token, &secret).await
    }

    /// `Unlock` of a token, with any descriptor.
    ///
    /// # Errors
    ///
    /// Like [`Client::call`].
    pub async fn unlock_with(&self, token: &str, secret: &impl AsFd) -> Result<(), Refusal> {
        let body = (Fd::from(secret.as_fd()), Options::new());
        self.call(token, "Token", "Unlock", &body).await
    }

    /// A property of one of our interfaces.
    ///
    /// # Errors
    ///
    /// Like [`Client::call`]; also if it has another type.
    pub async fn property<T>(&self, path: &str, interface: &str, name: &str) -> Result<T, Refusal>
    where
        T: TryFrom<OwnedVariant>,
    {
        let interface = format!("{}.{interface}", names::BUS);
        let value: OwnedVariant =
            self.call_any(path, "org.freedesktop.DBus.Properties", "Get", &(interface, name)).await?;
        T::try_from(value).map_err(|_| Refusal::from(zbus::Error::IncorrectType))
    }

    /// The object tree: each path with the last parts of the names of our interfaces.
    ///
    /// # Errors
    ///
    /// Like [`Client::call`].
    pub async fn objects(&self) -> Result<BTreeMap<String, BTreeSet<String>>, Refusal> {
        type Interfaces = HashMap<String, HashMap<String, OwnedVariant>>;
        let interface = "org.freedesktop.DBus.ObjectManager";
        let tree: HashMap<OwnedObjectPath, Interfaces> =
            self.call_any(names::ROOT, interface, "GetManagedObjects", &()).await?;
        let ours = |interfaces: Interfaces| interfaces.keys().filter_map(|name| last_part(name)).collect();
        Ok(tree.into_iter().map(|(path, interfaces)| (path.to_string(), ours(interfaces))).collect())
    }

    /// `FindCredentials`: the paths of the credentials with these attributes, and of the locked tokens. It
    /// waits until the daemon has read all attached tokens.
    ///
    /// # Errors
    ///
    /// Like [`Client::call`].
    pub async fn find(&self, attributes: &[(&str, &str)]) -> Result<(Vec<String>, Vec<String>), Refusal> {
        let attributes: HashMap<_, _> = attributes.iter().copied().collect();
        let (found, locked): (Vec<OwnedObjectPath>, Vec<OwnedObjectPath>) =
            self.call(names::ROOT, "Manager", "FindCredentials", &attributes).await?;
        let texts = |paths: Vec<OwnedObjectPath>| paths.iter().map(ToString::to_string).collect();
        Ok((texts(found), texts(locked)))
    }

    /// The path of the only credential of this account.
    ///
    /// # Errors
    ///
    /// Like [`Client::call`]; also if the number of such credentials is not one.
    pub async fn credential(&self, account: &str) -> Result<String, Refusal> {
        let (found, _) = self.find(&[("account", account)]).await?;
        match found.as_slice() {
            [one] => Ok(one.clone()),
            other => Err(zbus::Error::Failure(format!("{account} is {other:?}")).into()),
        }
    }

    /// The value of `Manager.Problems`.
    ///
    /// # Errors
    ///
    /// Like [`Client::call`].
    pub async fn problems(&self) -> Result<Vec<String>, Refusal> {
        self.property(names::ROOT, "Manager", "Problems").await
    }

    async fn call_any<B, R>(&self, path: &str, interface: &str, method: &str, body: &B) -> Result<R, Refusal>
    where
        B: serde::Serialize + zbus::DynamicType,
        R: DeserializeOwned + Type,
    {
        let call = self.connection.call_method(Some(names::BUS), path, Some(interface), method, body);
        let late = || zbus::Error::Failure(format!("{method} has not answered within {CALL_TIMEOUT:?}"));
        let reply = tokio::time::timeout(CALL_TIMEOUT, call).await.map_err(|_| late())??;
        Ok(reply.body().deserialize()?)
    }
}

/// A memfd with this content, with its offset at the start.
///
/// # Errors
///
/// The system cannot create one.
pub fn memfd(content: &[u8]) -> io::Result<OwnedFd> {
    let fd = memfd_create("testkit", MemfdFlags::CLOEXEC)?;
    let mut rest = content;
    while !rest.is_empty() {
        let written = rustix::io::write(&fd, rest)?;
        rest = rest.get(written..).unwrap_or_default();
    }
    Ok(fd)
}

/// The last part of the name of one of our interfaces.
fn last_part(interface: &str) -> Option<String> {
    interface.strip_prefix(names::BUS)?.strip_prefix('.').map(str::to_owned)
}
