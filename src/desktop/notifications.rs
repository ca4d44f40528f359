//! Tells persons what to do (Desktop Notifications Specification 1.2).

use std::collections::HashMap;
use std::time::Duration;

use zbus::names::BusName;
use zbus::{Connection, Variant, fdo};

use crate::markup::escaped;

/// How long a notification server may take: nobody waits for it.
const PATIENCE: Duration = Duration::from_secs(2);

/// Shown over everything else, since somebody waits.
const CRITICAL: u8 = 2;

const SERVER: &str = "org.freedesktop.Notifications";

#[zbus::proxy(
    interface = "org.freedesktop.Notifications",
    default_service = "org.freedesktop.Notifications",
    default_path = "/org/freedesktop/Notifications"
)]
trait Notifications {
    #[expect(clippy::too_many_arguments, reason = "the specification has so many")]
    fn notify(
        &self,
        app_name: &str,
        replaces_id: u32,
        app_icon: &str,
        summary: &str,
        body: &str,
        actions: &[&str],
        hints: HashMap<&str, Variant<'_>>,
        expire_timeout: i32,
    ) -> zbus::Result<u32>;

    fn close_notification(&self, id: u32) -> zbus::Result<()>;

    fn get_capabilities(&self) -> zbus::Result<Vec<String>>;
}

/// What a notification says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// One line.
    pub summary: String,
    /// More, without markup.
    pub body: String,
}

/// The one notification of the daemon. Its methods are called one after the other, so what is shown is never older
/// than what was asked for last.
#[derive(Debug)]
pub struct Notifier {
    connection: Connection,
    shown: Option<Shown>,
}

#[derive(Debug)]
struct Shown {
    id: u32,
    /// The unique name of the server: another one has other ids.
    server: String,
}

impl Notifier {
    /// Shows nothing yet.
    pub fn new(connection: Connection) -> Self {
        Self { connection, shown: None }
    }

    /// Shows a message instead of the one before. Without a server nothing happens.
    pub async fn show(&mut self, message: &Message) {
        match bounded(self.notify(message)).await {
            Ok(shown) => self.shown = Some(shown),
            Err(error) => tracing::debug!("no notification is shown: {error}"),
        }
    }

    /// Takes away what is shown.
    pub async fn close(&mut self) {
        let Some(shown) = self.shown.take() else { return };
        let closing = async {
            if self.server().await? == shown.server {
                NotificationsProxy::new(&self.connection).await?.close_notification(shown.id).await?;
            }
            Ok(())
        };
        if let Err(error) = bounded(closing).await {
            tracing::debug!("a notification can't be closed: {error}");
        }
    }

    async fn notify(&self, message: &Message) -> zbus::Result<Shown> {
        let proxy = NotificationsProxy::new(&self.connection).await?;
        let takes_markup = proxy.get_capabilities().await?.iter().any(|word| word == "body-markup");
        let body = if takes_markup { escaped(&message.body) } else { message.body.clone() };
        let server = self.server().await?;
        let replaced = self.shown.as_ref().filter(|shown| shown.server == server).map_or(0, |shown| shown.id);
        let hints = HashMap::from([
            ("urgency", Variant::from(CRITICAL)),
            ("transient", true.into()),
            ("category", "device".into()),
            ("desktop-entry", "oathbridge".into()),
        ]);
        let id = proxy
            .notify("oathbridge", replaced, "dialog-password", &message.summary, &body, &[], hints, 0)
            .await?;
        Ok(Shown { id, server })
    }

    async fn server(&self) -> zbus::Result<String> {
        let name = BusName::try_from(SERVER)?;
        Ok(fdo::DBusProxy::new(&self.connection).await?.get_name_owner(name).await?.to_string())
    }
}

async fn bounded<T>(work: impl Future<Output = zbus::Result<T>>) -> zbus::Result<T> {
    let late = || zbus::Error::Failure("the notification server doesn't answer".to_owned());
    tokio::time::timeout(PATIENCE, work).await.unwrap_or_else(|_| Err(late()))
}
