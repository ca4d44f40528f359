//! Unlocks tokens with remembered keys: when they are attached, and when the screen is unlocked.

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::dbus::ScreenLock;
use crate::flows::Flows;

/// Runs until the daemon ends. While the screen is locked, no key is used.
pub(super) async fn run(flows: Flows, mut screen: watch::Receiver<ScreenLock>) {
    let mut snapshots = flows.registry().subscribe();
    let mut wanted = flows.wanted_attempts();
    let mut attempts = JoinSet::new();
    let mut was_locked = false;
    loop {
        let is_locked = *screen.borrow_and_update() != ScreenLock::Unlocked;
        let snapshot = snapshots.borrow_and_update().clone();
        wanted.mark_unchanged();
        flows.pause_attempts(is_locked);
        if !is_locked {
            for attempt in flows.due_attempts(&snapshot, was_locked) {
                attempts.spawn(attempt);
            }
        }
        was_locked = is_locked;
        let changed = tokio::select! {
            changed = snapshots.changed() => changed,
            changed = screen.changed() => changed,
            changed = wanted.changed() => changed,
            Some(_) = attempts.join_next() => Ok(()),
        };
        if changed.is_err() {
            return;
        }
    }
}
