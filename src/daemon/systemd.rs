//! Notifications to the service manager (sd_notify(3)), if there is one.

use sd_notify::NotifyState;

/// Sends the changed state.
pub(super) fn notify(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!("cannot notify the service manager: {error}");
    }
}

/// Reports the start of a reload; READY=1 reports its end.
pub(super) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => notify(&[NotifyState::Reloading, now]),
        Err(error) => tracing::debug!("the system has no monotonic time: {error}"),
    }
}
