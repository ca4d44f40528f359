//! Handles a locked screen and suspend: cancels requests that are not sent yet, and wipes keys and kept results. When a
//! session of the user became active, tokens that the system refused are looked for again.
//!
//! Work that waits for tokens runs in separate tasks, because further events may arrive meanwhile and must be handled at
//! once.

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::dbus::{Bridge, ScreenLock};
use crate::desktop::logind::{self, Event};
use crate::flows::Flows;
use crate::operations::{Cancellation, Operations};

/// The number of answers that the start waits for: of the bus, about the name of logind, and of logind.
const ANSWERS: u32 = 3;

/// The timeout for the work before a suspend; logind waits for at most 5 seconds.
const SUSPEND_TIMEOUT: Duration = Duration::from_secs(4);

pub(super) struct Session {
    bridge: Arc<Bridge>,
    operations: Operations,
    flows: Flows,
    /// Sends the events.
    watching: Pin<Box<dyn Future<Output = ()> + Send>>,
    events: mpsc::Receiver<Event>,
    /// The tasks that wait for tokens.
    locking: JoinSet<()>,
}

impl Session {
    /// Waits until the lock of the screen is known, or counts it as locked if logind and the bus do not tell it, each
    /// answer within the timeout. What has to outlive a crash is kept in the folder, if there is one.
    pub(super) async fn begin(
        bridge: Arc<Bridge>,
        operations: Operations,
        flows: Flows,
        folder: Option<PathBuf>,
        reply_timeout: Duration,
    ) -> Self {
        let (sender, events) = mpsc::channel(4);
        let watching = Box::pin(logind::watch(sender, folder, reply_timeout));
        let mut session = Self { bridge, operations, flows, watching, events, locking: JoinSet::new() };
        // Until the first event, as for the sender of the events.
        session.bridge.set_screen(ScreenLock::Unknown);
        let answered = async { while session.next().await == Some(false) {} };
        // The sender has the timeout for each answer, and a caller may wait for the daemon.
        let _ = tokio::time::timeout(ANSWERS * reply_timeout, answered).await;
        if *session.bridge.screen().borrow() == ScreenLock::Unknown {
            log_screen(ScreenLock::Unknown);
        }
        session
    }

    /// Runs until the daemon ends.
    pub(super) async fn run(mut self) {
        while self.next().await.is_some() {}
    }

    /// Handles one event; returns whether it was logind's first answer, and `None` at the end of the daemon.
    async fn next(&mut self) -> Option<bool> {
        tokio::select! {
            () = &mut self.watching => return None,
            Some(event) = self.events.recv() => {
                let is_answer = matches!(event, Event::Answered { .. });
                self.handle(event);
                return Some(is_answer);
            }
            Some(locked) = self.locking.join_next() => {
                // A failure is serious, because keys would stay in memory while the screen is locked.
                if let Err(error) = locked
                    && let Ok(panic) = error.try_into_panic()
                {
                    std::panic::resume_unwind(panic);
                }
            }
        }
        Some(false)
    }

    fn handle(&mut self, event: Event) {
        let flows = self.flows.clone();
        match event {
            Event::Answered { is_known } => {
                if is_known {
                    self.bridge.trust_screen();
                }
            }
            Event::Screen(lock) => {
                let before = self.bridge.set_screen(lock);
                log_screen(lock);
                // While a screen is locked, the configuration may allow an Unlock. Between a request and the lock of the
                // screen, hours may pass.
                if lock > before {
                    self.operations.cancel_all(match lock {
                        ScreenLock::Locked => Cancellation::ScreenLocked,
                        ScreenLock::Requested => Cancellation::LockRequested,
                        _ => Cancellation::ScreenUnknown,
                    });
                    self.bridge.drop_results();
                    self.locking.spawn(async move { flows.lock_all().await });
                }
            }
            Event::Sleep(release) => {
                tracing::info!("the computer goes to sleep");
                // No request starts until the computer is awake, because it could be sent hours late.
                self.bridge.fall_asleep(true);
                self.operations.cancel_all(Cancellation::Suspend);
                self.bridge.drop_results();
                self.locking.spawn(async move {
                    let _ = tokio::time::timeout(SUSPEND_TIMEOUT, flows.lock_all()).await;
                    drop(release);
                });
            }
            // pcscd may ask polkit, and no event reports what polkit answers from now on. logind has saved its state,
            // which polkit reads, before it answered the daemon.
            Event::Activity => {
                flows.registry().request_rescan();
                self.locking.spawn(async move { flows.registry().check_access().await });
            }
            Event::Awake => {
                // The computer may have suspended before all of that was done.
                self.operations.cancel_all(Cancellation::Suspend);
                self.bridge.drop_results();
                self.bridge.fall_asleep(false);
                self.locking.spawn(async move {
                    flows.lock_all().await;
                    flows.registry().refresh_tokens().await;
                });
            }
        }
    }
}

fn log_screen(lock: ScreenLock) {
    match lock {
        ScreenLock::Unlocked => tracing::debug!("the screen was unlocked"),
        ScreenLock::Unknown => {
            tracing::warn!(
                "systemd-logind or the system bus does not answer, so the screen counts as locked until they do; \
                 check both"
            );
        }
        ScreenLock::Requested => {
            tracing::info!("the screen was requested to lock; \"loginctl unlock-session\" ends the request");
        }
        ScreenLock::Locked => tracing::info!("the screen was locked"),
    }
}
