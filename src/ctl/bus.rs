//! The connection to the daemon. Its proxies have no caches, so they send only the calls that a command needs.

use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;

use zbus::fdo::{DBusProxy, ManagedObjects, ObjectManagerProxy, PropertiesProxy};
use zbus::names::InterfaceName;
use zbus::proxy::CacheProperties;
use zbus::{Connection, Fd};

use super::asked::Details;
use super::cancelled::Cancelled;
use super::failure::without_number;
use super::operation::is_final;
use super::proxies::{
    CognitoProxy, CredentialProxy, Extra, ManagerProxy, OperationProxy, Options, TokenProxy,
};
use super::tree::Tree;
use super::{Failure, exit};
use crate::dbus::names;
use crate::process;

/// The daemon replies at once, or within three seconds while it reads attached tokens.
pub(super) const REPLY_TIMEOUT: Duration = Duration::from_secs(15);

/// The extra time for the reply after the daemon's own deadline.
pub(super) const REPLY_GRACE: Duration = Duration::from_secs(10);

/// The limit for reading the details of a failure, which only add to its sentence.
const DETAILS_TIMEOUT: Duration = Duration::from_secs(2);

/// A connection to the session bus.
pub(super) struct Bus {
    pub(super) connection: Connection,
}

impl Bus {
    /// Connects to the bus, lets the daemon identify this program, and then makes this process undumpable. That must
    /// happen before the process holds any secret.
    pub(super) async fn connect() -> Result<Self, Failure> {
        let bus = Self::connect_visibly().await?;
        hide()?;
        Ok(bus)
    }

    /// Like [`Bus::connect`], but other services can identify this process too until [`hide`] is called.
    pub(super) async fn connect_visibly() -> Result<Self, Failure> {
        let bus = Self::join().await?;
        // Without a daemon the next call fails as well, with the reason.
        let _ = within(REPLY_TIMEOUT, async {
            ManagerProxy::new(&bus.connection).await?.get_caller_info().await
        })
        .await?;
        Ok(bus)
    }

    /// The daemon's objects without a call of a method, which may be refused.
    pub(super) async fn tree_of_properties(&self) -> Result<Tree, Failure> {
        within(REPLY_TIMEOUT, async {
            let (objects, problems) = tokio::try_join!(self.objects(), self.problems())?;
            Ok(Tree::new(&objects, problems, &[]))
        })
        .await?
    }

    /// What the daemon tells about this program and the lock of the screen.
    pub(super) async fn caller_info(&self) -> zbus::Result<Extra> {
        ManagerProxy::new(&self.connection).await?.get_caller_info().await
    }

    /// Connects to the bus without starting the daemon.
    pub(super) async fn join() -> Result<Self, Failure> {
        let connection =
            within(REPLY_TIMEOUT, Connection::session()).await?.map_err(|error| no_bus(&error))?;
        Ok(Self { connection })
    }

    /// The daemon's objects, after it has read all attached tokens.
    pub(super) async fn tree(&self) -> Result<Tree, Failure> {
        within(REPLY_TIMEOUT, async {
            let (_, locked) =
                ManagerProxy::new(&self.connection).await?.find_credentials(HashMap::new()).await?;
            let (objects, problems) = tokio::try_join!(self.objects(), self.problems())?;
            Ok(Tree::new(&objects, problems, &locked))
        })
        .await?
    }

    /// The daemon's objects if it is running; does not start it.
    pub(super) async fn tree_if_running() -> Option<Tree> {
        let bus = Self::join().await.ok()?;
        let asking =
            async { DBusProxy::new(&bus.connection).await?.name_has_owner(names::BUS.try_into()?).await };
        let runs = within(REPLY_TIMEOUT, asking).await.ok()?.ok()?;
        if runs { bus.tree().await.ok() } else { None }
    }

    /// Makes the daemon reload its configuration and read its tokens again.
    pub(super) async fn reload(&self) -> Result<(), Failure> {
        // Three times the usual timeout, because a token may be slow.
        within(3 * REPLY_TIMEOUT, async { ManagerProxy::new(&self.connection).await?.reload().await })
            .await??;
        Ok(())
    }

    /// Locks one token, by its path, or all.
    pub(super) async fn lock(&self, token: Option<&str>) -> Result<(), Failure> {
        // The daemon replies within 22 seconds, also if a token hangs.
        let call = async {
            match token {
                Some(path) => TokenProxy::builder(&self.connection).path(path).build().await?.lock().await,
                None => ManagerProxy::new(&self.connection).await?.lock_all().await,
            }
        };
        Ok(within(2 * REPLY_TIMEOUT, call).await??)
    }

    /// The details of a request that has failed; none if the daemon kept none.
    pub(super) async fn details(&self, operation: &zbus::ObjectPath<'_>) -> Details {
        let call = async {
            let proxy = OperationProxy::builder(&self.connection)
                .path(operation)
                .cache_properties(CacheProperties::No)
                .build();
            proxy.await?.get_result().await
        };
        let result: Result<zbus::Result<Extra>, _> = tokio::time::timeout(DETAILS_TIMEOUT, call).await;
        result.ok().and_then(Result::ok).map(|result| Details::new(&result)).unwrap_or_default()
    }

    pub(super) async fn calculate(
        &self,
        credential: &str,
        options: Options<'_>,
        timeout: Duration,
    ) -> Result<(String, u64, u64, Extra), Failure> {
        let call = async {
            let proxy = CredentialProxy::builder(&self.connection).path(credential).build().await?;
            proxy.calculate(options).await
        };
        Ok(within(timeout + REPLY_GRACE, call).await??)
    }

    /// Submits a code. If the code may have been sent, the failure says so.
    pub(super) async fn verify(
        &self,
        credential: &zbus::ObjectPath<'_>,
        options: Options<'_>,
        timeout: Duration,
    ) -> Result<(String, String, Extra), Failure> {
        let call = async {
            let proxy = CognitoProxy::new(&self.connection).await?;
            proxy.verify_software_token(credential, options).await
        };
        let reply = within(timeout + REPLY_GRACE, call).await.map_err(|_| outcome_unknown())?;
        reply.map_err(|error| if is_lost(&error) { outcome_unknown() } else { error.into() })
    }

    /// Like [`Bus::verify`], for the challenge of a sign-in.
    pub(super) async fn respond(
        &self,
        credential: &zbus::ObjectPath<'_>,
        options: Options<'_>,
        timeout: Duration,
    ) -> Result<Extra, Failure> {
        let call = async {
            CognitoProxy::new(&self.connection).await?.respond_to_mfa_challenge(credential, options).await
        };
        let reply = within(timeout + REPLY_GRACE, call).await.map_err(|_| outcome_unknown())?;
        reply.map_err(|error| if is_lost(&error) { outcome_unknown() } else { error.into() })
    }

    /// Cancels a request, which may end by itself meanwhile.
    pub(super) async fn cancel(&self, operation: &str) -> Result<Cancelled, Failure> {
        let call = async {
            let proxy = OperationProxy::builder(&self.connection)
                .path(operation)
                .cache_properties(CacheProperties::No)
                .build()
                .await?;
            match proxy.cancel().await? {
                true => Ok(Cancelled::NothingSent),
                false if is_final(&proxy.state().await?) => Ok(Cancelled::Ended),
                false => Ok(Cancelled::Sent),
            }
        };
        Cancelled::of(within(REPLY_TIMEOUT, call).await?)
    }

    /// The daemon's current objects if it is running; does not start it.
    pub(super) async fn tree_now(&self) -> Result<Option<Tree>, Failure> {
        within(REPLY_TIMEOUT, async {
            let runs = DBusProxy::new(&self.connection).await?.name_has_owner(names::BUS.try_into()?).await?;
            Ok(if runs { Some(Tree::new(&self.objects().await?, Vec::new(), &[])) } else { None })
        })
        .await?
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    pub(super) async fn unlock(
        &self,
        token: &str,
        secret: Fd<'_>,
        options: Options<'_>,
        timeout: Duration,
    ) -> Result<(), Failure> {
        let call = async {
            let proxy = TokenProxy::builder(&self.connection).path(token).build().await?;
            proxy.unlock(secret, options).await
        };
        Ok(within(timeout + REPLY_GRACE, call).await??)
    }

    async fn objects(&self) -> Result<ManagedObjects, Failure> {
        let proxy =
            ObjectManagerProxy::builder(&self.connection).destination(names::BUS).path(names::ROOT).build();
        Ok(proxy.await?.get_managed_objects().await?)
    }

    /// `GetManagedObjects` does not include the root object, so its properties need a call of their own.
    async fn problems(&self) -> Result<Vec<String>, Failure> {
        let proxy =
            PropertiesProxy::builder(&self.connection).destination(names::BUS).path(names::ROOT).build();
        let interface = InterfaceName::from_static_str_unchecked("io.github.oathbridge.OathBridge1.Manager");
        let value = proxy.await?.get(interface, "Problems").await?;
        Ok(Vec::try_from(value).unwrap_or_default())
    }
}

pub(super) async fn within<T>(limit: Duration, call: impl Future<Output = T>) -> Result<T, Failure> {
    tokio::time::timeout(limit, call).await.map_err(|_| Failure::silent_daemon())
}

/// Makes this process undumpable. That must happen before it holds any secret.
pub(super) fn hide() -> Result<(), Failure> {
    process::hide().map_err(|error| Failure::failed("Protecting this process", error))
}

/// Whether the connection to the daemon or the bus was lost during a request.
fn is_lost(error: &zbus::Error) -> bool {
    use zbus::fdo::Error as Fdo;
    match error {
        zbus::Error::InputOutput(_) => true,
        zbus::Error::FDO(error) => {
            matches!(**error, Fdo::NoReply(_) | Fdo::Disconnected(_) | Fdo::TimedOut(_) | Fdo::Timeout(_))
        }
        _ => false,
    }
}

fn no_bus(error: &zbus::Error) -> Failure {
    let is_root = rustix::process::geteuid().is_root();
    let sentence = if is_root && std::env::var_os("SUDO_USER").is_some() {
        "Run it as your own user, without sudo.".to_owned()
    } else {
        match error {
            zbus::Error::Address(_) => {
                "DBUS_SESSION_BUS_ADDRESS is not a valid address; unset it, or set it to that of a desktop session."
                    .to_owned()
            }
            error => format!(
                "The session bus is not reachable ({}); log in to a desktop session, or set DBUS_SESSION_BUS_ADDRESS.",
                without_number(&error.to_string())
            ),
        }
    };
    Failure::new(exit::UNREACHABLE, sentence)
}

fn outcome_unknown() -> Failure {
    Failure::new(
        exit::UNKNOWN,
        "The daemon stopped before it replied, and a code may have been sent; check the sign-in methods of the account before you try again.",
    )
}
