//! Notices callers that leave the bus: nobody waits for their operations any more.

use std::sync::Arc;

use futures_util::StreamExt;
use zbus::{Connection, fdo};

use super::Bridge;
use super::wire::Queries;
use crate::operations::Cancellation;

/// Runs until the bus is gone.
pub(super) async fn run(connection: Connection, bridge: Arc<Bridge>, queries: Queries) {
    if let Err(error) = watch(&connection, &bridge, &queries).await {
        tracing::error!("programs that leave the bus can't be noticed: {error}");
    }
}

async fn watch(connection: &Connection, bridge: &Bridge, queries: &Queries) -> zbus::Result<()> {
    let bus = fdo::DBusProxy::new(connection).await?;
    // Only those whose new owner is nobody.
    let mut departures = bus.receive_name_owner_changed_with_args(&[(2, "")]).await?;
    while let Some(departure) = departures.next().await {
        let departure = departure.args()?;
        let name = departure.name.as_str();
        bridge.callers.forget(name);
        bridge.limits.forget(name);
        queries.forget(name);
        bridge.operations.cancel_of(name, Cancellation::CallerGone);
        bridge.results.forget_all_of(name);
    }
    Ok(())
}
