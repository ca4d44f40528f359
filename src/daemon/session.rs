//! What a locked screen and suspend mean: nothing more is sent, and no key is kept.
//!
//! Whatever waits for a token runs on the side: the computer may be locked, sleep and wake up within that time, and
//! none of it may be heeded late.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::dbus::Bridge;
use crate::desktop::logind::{self, Event};
use crate::flows::Flows;
use crate::operations::{Cancellation, Operations};

/// logind waits for 5 seconds at most.
const BEFORE_SLEEP: Duration = Duration::from_secs(4);

/// Runs as long as the daemon.
pub(super) async fn run(bridge: Arc<Bridge>, operations: Operations, flows: Flows) {
    let (sender, mut events) = mpsc::channel(4);
    tokio::spawn(logind::watch(sender));
    while let Some(event) = events.recv().await {
        match event {
            Event::Locked => {
                tracing::info!("the screen was locked");
                bridge.lock_screen(true);
                operations.cancel_all(Cancellation::ScreenLocked);
                let flows = flows.clone();
                tokio::spawn(async move { flows.lock_all().await });
            }
            Event::Unlocked => bridge.lock_screen(false),
            Event::Sleep(release) => {
                tracing::info!("the computer goes to sleep");
                // Nothing begins until it is awake: what is sent then may be hours late.
                bridge.fall_asleep(true);
                operations.cancel_all(Cancellation::Suspend);
                let flows = flows.clone();
                tokio::spawn(async move {
                    let _ = tokio::time::timeout(BEFORE_SLEEP, flows.lock_all()).await;
                    drop(release);
                });
            }
            Event::Awake => {
                // It may have slept before all of that was done.
                operations.cancel_all(Cancellation::Suspend);
                bridge.fall_asleep(false);
                let flows = flows.clone();
                tokio::spawn(async move {
                    flows.lock_all().await;
                    flows.registry().refresh().await;
                });
            }
        }
    }
}
