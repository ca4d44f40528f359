//! Tells persons what to do (Desktop Notifications Specification 1.2).

use std::collections::HashMap;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use zbus::names::BusName;
use zbus::{Connection, Variant, fdo};

use crate::markup::escaped;
use crate::task::Task;

/// How long a notification server may take to answer what shows nothing.
const PATIENCE: Duration = Duration::from_secs(2);

/// Shown over everything else, since somebody waits.
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

/// What a notification says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// One line.
    pub summary: String,
    /// More, without markup.
    pub body: String,
}

/// The one notification of the daemon. Nobody waits for its server: what is wanted last is shown as soon as the server
/// has answered what was asked before, and what it shows late is known by its id all the same.
#[derive(Debug)]
pub struct Notifier {
    wanted: watch::Sender<Option<(Message, Instant)>>,
}

impl Notifier {
    /// Shows nothing yet. The task talks to the server; it ends when the notifier is dropped and what was shown is gone.
    pub fn new(connection: Connection) -> (Self, Task) {
        let (wanted, changes) = watch::channel(None);
        let screen = Screen { connection, shown: None };
        (Self { wanted }, Task::new(TASK, screen.follow(changes)))
    }

    /// Shows a message instead of the one before, for as long as that at most. Without a server nothing happens.
    pub fn show(&self, message: Message, left: Duration) {
        self.wanted.send_replace(Some((message, Instant::now() + left)));
    }

    /// Takes away what is shown.
    pub fn close(&self) {
        self.wanted.send_replace(None);
    }
}

/// What the server shows.
struct Screen {
    connection: Connection,
    shown: Option<Shown>,
}

struct Shown {
    id: u32,
    /// The unique name of the server: another one has other ids.
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
            Err(error) => tracing::debug!("no notification is shown: {error}"),
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
            tracing::debug!("a notification can't be closed: {error}");
        }
    }

    async fn notify(&self, message: &Message, until: Instant) -> zbus::Result<Shown> {
        let proxy = NotificationsProxy::new(&self.connection).await?;
        let asking = async { Ok((proxy.get_capabilities().await?, self.server().await?)) };
        let (capabilities, server) = bounded(asking).await?;
        let takes_markup = capabilities.iter().any(|word| word == "body-markup");
        let body = if takes_markup { escaped(&message.body) } else { message.body.clone() };
        let replaced = self.shown.as_ref().filter(|shown| shown.server == server).map_or(0, |shown| shown.id);
        let hints = HashMap::from([
            ("urgency", Variant::from(CRITICAL)),
            ("transient", true.into()),
            ("category", "device".into()),
            ("desktop-entry", "oathbridge".into()),
        ]);
        let summary = &message.summary;
        // However long it takes: without the id nobody could close it. A server that leaves the bus is an error.
        let id = proxy
            .notify("oathbridge", replaced, "dialog-password", summary, &body, &[], hints, expiry(until))
            .await?;
        Ok(Shown { id, server })
    }

    async fn server(&self) -> zbus::Result<String> {
        let name = BusName::try_from(SERVER)?;
        Ok(fdo::DBusProxy::new(&self.connection).await?.get_name_owner(name).await?.to_string())
    }
}

/// How long it is until then, in milliseconds; never 0, which would be for ever.
fn expiry(until: Instant) -> i32 {
    let left = until.saturating_duration_since(Instant::now()).as_millis();
    i32::try_from(left).unwrap_or(i32::MAX).max(1)
}

async fn bounded<T>(work: impl Future<Output = zbus::Result<T>>) -> zbus::Result<T> {
    let late = || zbus::Error::Failure("the notification server doesn't answer".to_owned());
    tokio::time::timeout(PATIENCE, work).await.unwrap_or_else(|_| Err(late()))
}
