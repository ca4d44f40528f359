//! What a locked screen and suspend mean: nothing more is sent, and no key is kept.
//!
//! Whatever waits for a token runs on the side: the computer may be locked, sleep and wake up within that time, and
//! none of it may be heeded late.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::dbus::Bridge;
use crate::desktop::logind::{self, Event};
use crate::flows::Flows;
use crate::operations::{Cancellation, Operations};

/// logind waits for 5 seconds at most.
const BEFORE_SLEEP: Duration = Duration::from_secs(4);

/// Runs until the daemon ends.
pub(super) async fn run(bridge: Arc<Bridge>, operations: Operations, flows: Flows) {
    let (sender, mut events) = mpsc::channel(4);
    let mut session = Session { bridge, operations, flows, locking: JoinSet::new() };
    let mut watching = pin!(logind::watch(sender));
    loop {
        tokio::select! {
            () = &mut watching => return,
            Some(event) = events.recv() => session.heed(event),
            Some(locked) = session.locking.join_next() => {
                // Keys that stay in memory behind a locked screen are no small fault.
                if let Err(error) = locked
                    && let Ok(panic) = error.try_into_panic()
                {
                    std::panic::resume_unwind(panic);
                }
            }
        }
    }
}

struct Session {
    bridge: Arc<Bridge>,
    operations: Operations,
    flows: Flows,
    /// What waits for tokens.
    locking: JoinSet<()>,
}

impl Session {
    fn heed(&mut self, event: Event) {
        let flows = self.flows.clone();
        match event {
            Event::Locked => {
                tracing::info!("the screen was locked");
                self.bridge.lock_screen(true);
                self.operations.cancel_all(Cancellation::ScreenLocked);
                self.locking.spawn(async move { flows.lock_all().await });
            }
            Event::Unlocked => self.bridge.lock_screen(false),
            Event::Sleep(release) => {
                tracing::info!("the computer goes to sleep");
                // Nothing begins until it is awake: what is sent then may be hours late.
                self.bridge.fall_asleep(true);
                self.operations.cancel_all(Cancellation::Suspend);
                self.locking.spawn(async move {
                    let _ = tokio::time::timeout(BEFORE_SLEEP, flows.lock_all()).await;
                    drop(release);
                });
            }
            Event::Awake => {
                // It may have slept before all of that was done.
                self.operations.cancel_all(Cancellation::Suspend);
                self.bridge.fall_asleep(false);
                self.locking.spawn(async move {
                    flows.lock_all().await;
                    flows.registry().refresh().await;
                });
            }
        }
    }
}
