//! Desktop notifications that ask a person to act (Desktop Notifications Specification 1.2).

use std::collections::HashMap;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use zbus::names::BusName;
use zbus::{Connection, Variant, fdo};

use crate::markup::escaped;
use crate::task::Task;

/// The timeout for calls of the notification server, except Notify.
const REPLY_TIMEOUT: Duration = Duration::from_secs(2);

/// The urgency `critical`, because a request waits for the person.
const CRITICAL: u8 = 2;

/// The name of the task of [`Notifier::new`].
pub const TASK: &str = "notifications";

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

/// The content of a notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// One line.
    pub summary: String,
    /// More, without markup.
    pub body: String,
}

/// The daemon's only notification. Callers never wait for the server. The last message is shown as soon as the server has
/// answered the previous call, and a notification that is shown late is still known by its id.
#[derive(Debug)]
pub struct Notifier {
    wanted: watch::Sender<Option<(Message, Instant)>>,
}

impl Notifier {
    /// A notifier without a message. Its task calls the server; it ends when the notifier is dropped and the notification
    /// is removed.
    pub fn new(connection: Connection) -> (Self, Task) {
        let (wanted, changes) = watch::channel(None);
        let screen = Screen { connection, shown: None };
        (Self { wanted }, Task::new(TASK, screen.follow(changes)))
    }

    /// Shows a message instead of the previous one, for at most `left`. Without a server nothing happens.
    pub fn show(&self, message: Message, left: Duration) {
        self.wanted.send_replace(Some((message, Instant::now() + left)));
    }

    /// Removes the notification.
    pub fn close(&self) {
        self.wanted.send_replace(None);
    }
}

/// The notification on the server.
struct Screen {
    connection: Connection,
    shown: Option<Shown>,
}

struct Shown {
    id: u32,
    /// The unique name of the server; another server has other ids.
    server: String,
}

impl Screen {
    async fn follow(mut self, mut wanted: watch::Receiver<Option<(Message, Instant)>>) {
        while wanted.changed().await.is_ok() {
            let now = wanted.borrow_and_update().clone();
            match now {
                Some((message, until)) => self.show(&message, until).await,
                None => self.close().await,
            }
        }
        self.close().await;
    }

    async fn show(&mut self, message: &Message, until: Instant) {
        match self.notify(message, until).await {
            Ok(shown) => self.shown = Some(shown),
            Err(error) => tracing::debug!("cannot show the notification: {error}"),
        }
    }

    async fn close(&mut self) {
        let Some(shown) = self.shown.take() else { return };
        let closing = async {
            if self.server().await? == shown.server {
                NotificationsProxy::new(&self.connection).await?.close_notification(shown.id).await?;
            }
            Ok(())
        };
        if let Err(error) = bounded(closing).await {
            tracing::debug!("cannot close the notification: {error}");
        }
    }

    async fn notify(&self, message: &Message, until: Instant) -> zbus::Result<Shown> {
        let proxy = NotificationsProxy::new(&self.connection).await?;
        let asking = async { Ok((proxy.get_capabilities().await?, self.server().await?)) };
        let (capabilities, server) = bounded(asking).await?;
        let takes_markup = capabilities.iter().any(|word| word == "body-markup");
        let body = if takes_markup { escaped(&message.body) } else { message.body.clone() };
        let replaced = self.shown.as_ref().filter(|shown| shown.server == server).map_or(0, |shown| shown.id);
        let summary = &message.summary;
        // Without a timeout, because the id is needed to close the notification. If the server leaves the bus, the call
        // fails.
        let id = proxy
            .notify("oathbridge", replaced, "dialog-password", summary, &body, &[], hints(), expiry(until))
            .await?;
        Ok(Shown { id, server })
    }

    async fn server(&self) -> zbus::Result<String> {
        let name = BusName::try_from(SERVER)?;
        Ok(fdo::DBusProxy::new(&self.connection).await?.get_name_owner(name).await?.to_string())
    }
}

fn hints() -> HashMap<&'static str, Variant<'static>> {
    HashMap::from([
        ("urgency", CRITICAL.into()),
        ("transient", true.into()),
        ("category", "device".into()),
        ("desktop-entry", "oathbridge".into()),
    ])
}

/// The time until then in milliseconds; never 0, which would mean no expiry.
fn expiry(until: Instant) -> i32 {
    let left = until.saturating_duration_since(Instant::now()).as_millis();
    i32::try_from(left).unwrap_or(i32::MAX).max(1)
}

async fn bounded<T>(work: impl Future<Output = zbus::Result<T>>) -> zbus::Result<T> {
    let late = || zbus::Error::Failure("the notification server does not answer".to_owned());
    tokio::time::timeout(REPLY_TIMEOUT, work).await.unwrap_or_else(|_| Err(late()))
}
