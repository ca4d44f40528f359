//! SIGHUP: the configuration and the tokens' lists are read again.

use std::sync::Arc;

use sd_notify::NotifyState;
use tokio::signal::unix::Signal;

use super::systemd;
use crate::dbus::Bridge;

/// Runs until the daemon ends.
pub(super) async fn run(bridge: Arc<Bridge>, mut hangup: Signal) {
    while hangup.recv().await.is_some() {
        systemd::reloading();
        match bridge.reload().await {
            Ok(()) => tracing::info!("the configuration was read again"),
            Err(error) => tracing::error!("{}", error.sentence()),
        }
        // Also after an error: the configuration in force stays, and with it the daemon is ready.
        systemd::notify(&[NotifyState::Ready]);
    }
}
