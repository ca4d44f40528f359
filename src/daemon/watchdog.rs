//! Feeds the service manager's watchdog while the daemon answers.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;

/// Runs until the daemon ends. In each half of the watchdog's `period`, `round` passes once through all parts that a call
/// needs. `feed` is called only after the round has succeeded. Without a period there is no watchdog.
pub(super) async fn run<R: Future<Output = zbus::Result<()>>>(
    clock: Arc<dyn Clock>,
    period: Option<Duration>,
    round: impl Fn() -> R,
    feed: impl Fn(),
) {
    let Some(period) = period else { return std::future::pending().await };
    loop {
        match round().await {
            Ok(()) => feed(),
            Err(error) => tracing::error!("the daemon does not reach itself over the bus: {error}"),
        }
        clock.sleep(period / 2).await;
    }
}
