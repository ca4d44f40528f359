//! Notices callers that leave the bus: nobody waits for their operations any more, nor for those that are about to begin.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use futures_util::StreamExt;
use tokio::sync::oneshot;
use zbus::{Connection, fdo};

use super::Bridge;
use super::wire::Queries;
use crate::operations::Cancellation;

/// Callers whose calls are under way, and whether they have left since.
#[derive(Debug, Default)]
pub(super) struct Present {
    callers: Mutex<HashMap<String, Weak<AtomicBool>>>,
}

/// That one caller has left; the calls of a caller share it.
#[derive(Debug)]
pub(super) struct Departure(Arc<AtomicBool>);

impl Present {
    /// A call has come in. It has to say so before the bus is asked who its caller is: whoever leaves before that is
    /// unknown to the bus, and whoever leaves after it is remembered here.
    pub(super) fn arrive(&self, caller: &str) -> Departure {
        let mut callers = self.callers();
        callers.retain(|_, departure| departure.strong_count() > 0);
        let departure = callers.get(caller).and_then(Weak::upgrade).unwrap_or_default();
        callers.insert(caller.to_owned(), Arc::downgrade(&departure));
        Departure(departure)
    }

    fn leave(&self, caller: &str) {
        if let Some(departure) = self.callers().get(caller).and_then(Weak::upgrade) {
            departure.store(true, Ordering::Release);
        }
    }

    fn callers(&self) -> MutexGuard<'_, HashMap<String, Weak<AtomicBool>>> {
        self.callers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Departure {
    pub(super) fn has_happened(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Runs until the bus is gone.
///
/// `listening` is answered when no departure from then on is missed.
pub(super) async fn run(
    connection: Connection,
    bridge: Arc<Bridge>,
    queries: Queries,
    listening: oneshot::Sender<()>,
) {
    if let Err(error) = watch(&connection, &bridge, &queries, listening).await {
        tracing::error!("programs that leave the bus can't be noticed: {error}");
    }
}

async fn watch(
    connection: &Connection,
    bridge: &Bridge,
    queries: &Queries,
    listening: oneshot::Sender<()>,
) -> zbus::Result<()> {
    let bus = fdo::DBusProxy::new(connection).await?;
    // Only those whose new owner is nobody.
    let mut departures = bus.receive_name_owner_changed_with_args(&[(2, "")]).await?;
    // An error means that the daemon is ending.
    let _ = listening.send(());
    while let Some(departure) = departures.next().await {
        let departure = departure.args()?;
        let name = departure.name.as_str();
        bridge.callers.forget(name);
        // What waits for answers is counted in the limits.
        queries.forget(name);
        bridge.limits.forget(name);
        // Before the operations that run are cancelled: one that begins meanwhile looks here.
        bridge.present.leave(name);
        bridge.operations.cancel_of(name, Cancellation::CallerGone);
        bridge.results.forget_all_of(name);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_who_leave_are_remembered_for_as_long_as_a_call_of_theirs_runs() {
        let present = Present::default();
        let (first, second, other) = (present.arrive(":1.7"), present.arrive(":1.7"), present.arrive(":1.8"));
        present.leave(":1.7");
        assert!(first.has_happened() && second.has_happened() && !other.has_happened());
        assert!(present.arrive(":1.7").has_happened());
        drop((first, second, other));
        drop(present.arrive(":1.9"));
        assert_eq!(present.callers().len(), 1, "nothing is kept of those whose calls are over");
    }
}
