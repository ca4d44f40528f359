//! SIGHUP: reloads the configuration and the tokens' lists.

use std::sync::Arc;

use sd_notify::NotifyState;
use tokio::signal::unix::Signal;

use super::systemd;
use crate::dbus::Bridge;

/// Runs until the daemon ends.
pub(super) async fn run(bridge: Arc<Bridge>, mut hangup: Signal) {
    while hangup.recv().await.is_some() {
        systemd::reloading();
        if bridge.reload().await.is_ok() {
            tracing::info!("the configuration was reloaded");
        }
        // Also after an error: the daemon continues with the previous configuration.
        systemd::notify(&[NotifyState::Ready]);
    }
}
