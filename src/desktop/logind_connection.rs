//! Follows suspends and sessions over one connection to the system bus, and asks logind what its signals do not say.

use std::os::fd::OwnedFd;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use zbus::Connection;

use super::event::{Event, Release};
use super::login1::ManagerProxy;
use super::logind_state::LogindState;
use super::sessions::Sessions;
use crate::dbus::SystemBus;

/// The pause after a call that logind did not answer.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// logind on one connection to the system bus.
pub(super) struct LogindConnection {
    /// For connections with a descriptor.
    pub(super) bus: SystemBus,
    pub(super) connection: Connection,
    pub(super) events: mpsc::Sender<Event>,
    /// The time for each answer.
    pub(super) reply_timeout: Duration,
}

impl LogindConnection {
    /// Ends when the receiver of the events is dropped.
    pub(super) async fn follow_sleep(
        &self,
        mut state: watch::Receiver<LogindState>,
        is_asleep: &mut bool,
    ) -> Option<()> {
        let mut before = LogindState::default();
        let mut inhibitor = None;
        loop {
            let now = state.borrow_and_update().clone();
            if now.is_asleep && now.suspends != before.suspends {
                let release = Release::of(inhibitor.take());
                self.events.send(Event::Sleep(release)).await.ok()?;
                *is_asleep = true;
            }
            if !now.is_asleep && now.wakes != before.wakes {
                self.events.send(Event::Awake).await.ok()?;
                *is_asleep = false;
            }
            if !now.is_running {
                inhibitor = None;
            } else if !now.is_asleep && (now.starts, now.wakes) != (before.starts, before.wakes) {
                inhibitor = self.inhibit().await;
            }
            before = now;
            state.changed().await.ok()?;
        }
    }

    /// Ends when the receiver of the events is dropped.
    pub(super) async fn follow_sessions(
        &self,
        state: &watch::Sender<LogindState>,
        reported: &mut Sessions,
    ) -> Option<()> {
        let mut changes = state.subscribe();
        changes.wait_for(|state| state.is_known).await.ok()?;
        loop {
            let logind = changes.borrow_and_update().clone();
            let found = match logind.is_running {
                true => self.read_sessions(state).await,
                false if !logind.was_there => Some(reported.without_logind()),
                // Without logind a locked screen stays locked.
                false => Some(reported.in_doubt()),
            };
            let was_known = reported.is_known();
            // The same holds if logind does not answer.
            found.unwrap_or(reported.in_doubt()).show(reported, &self.events).await?;
            if !was_known {
                let is_known = reported.is_known();
                self.events.send(Event::Answered { is_known }).await.ok()?;
            }
            tokio::select! {
                changed = changes.changed() => changed.ok()?,
                () = tokio::time::sleep(RETRY_INTERVAL), if found.is_none() => {}
            }
        }
    }

    /// The state of the user's sessions; `None` if logind does not answer. Requests to other sessions are dropped.
    async fn read_sessions(&self, state: &watch::Sender<LogindState>) -> Option<Sessions> {
        let requests = state.borrow().lock_requests.clone();
        let read = self.bounded(Sessions::read(&self.connection, &requests)).await;
        let log = |error: &zbus::Error| tracing::debug!("cannot read the state of the sessions: {error}");
        let (sessions, at_seats) = read.inspect_err(log).ok()?;
        // A request that arrived meanwhile may be to a session that is newer than the list.
        state
            .send_if_modified(|state| state.lock_requests == requests && state.lock_requests.keep(&at_seats));
        Some(sessions)
    }

    async fn inhibit(&self) -> Option<OwnedFd> {
        let why = "Cancels requests and wipes keys before the computer sleeps";
        let asking = async {
            let connection = self.bus.ask().await?;
            let proxy = ManagerProxy::new(&connection).await?;
            let inhibitor = proxy.inhibit("sleep", "oathbridge", why, "delay").await;
            // The descriptor alone delays the suspend.
            let _ = connection.close().await;
            inhibitor
        };
        let inhibitor = self.bounded(asking).await;
        inhibitor
            .inspect_err(|error| tracing::debug!("cannot delay the suspend: {error}"))
            .ok()
            .map(OwnedFd::from)
    }

    async fn bounded<T>(&self, asking: impl Future<Output = zbus::Result<T>>) -> zbus::Result<T> {
        timeout(self.reply_timeout, asking).await.unwrap_or_else(|_| Err(late()))
    }
}

/// The error of a bus that does not tell in time if logind is running.
pub(super) async fn lateness(mut state: watch::Receiver<LogindState>, limit: Duration) -> zbus::Error {
    if timeout(limit, state.wait_for(|state| state.is_known)).await.is_ok() {
        std::future::pending().await
    }
    late()
}

/// The error of an answer that does not come in time.
pub(super) fn late() -> zbus::Error {
    zbus::Error::Failure("no reply".to_owned())
}
