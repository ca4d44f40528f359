//! What is attached now, as immutable snapshots.
//!
//! Levels, not edges: transports report whole sets, readers compare snapshots, so no event can be lost, and
//! start-up, resume, plugging and a restart of pcscd are one code path.

mod keeper;
mod snapshot;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::{mpsc, oneshot, watch};

use crate::clock::Clock;
use crate::device::Transport;
use crate::token::Identities;
use keeper::{Barrier, Input, Keeper};

pub use snapshot::{Attached, Found, Missing, Snapshot, State, credential_id};

/// How long a call that names something not yet read waits for it.
const SETTLE: Duration = Duration::from_secs(3);

/// How long reading all tokens again may take: D-Bus clients give up after 25 seconds.
const REFRESH: Duration = Duration::from_secs(15);

/// The attached tokens; clones are the same registry.
#[derive(Clone, Debug)]
pub struct Registry {
    snapshots: watch::Receiver<Arc<Snapshot>>,
    inputs: mpsc::UnboundedSender<Input>,
    clock: Arc<dyn Clock>,
}

/// The transports of a registry, not watched yet: no token has been touched.
pub struct Watch {
    keeper: Keeper,
    inbox: mpsc::UnboundedReceiver<Input>,
}

impl Watch {
    /// Starts to watch the transports, each on a thread of its own. Needs a running tokio runtime.
    ///
    /// # Errors
    ///
    /// When the system has no thread left.
    pub fn start(self) -> std::io::Result<()> {
        self.keeper.start(self.inbox)
    }
}

impl Registry {
    /// A registry over `transports` that knows nothing yet, and what makes it learn.
    pub fn new(
        transports: Vec<Arc<dyn Transport>>,
        clock: Arc<dyn Clock>,
        identities: Identities,
    ) -> (Self, Watch) {
        let (sender, snapshots) = watch::channel(Arc::new(Snapshot::empty(transports.is_empty())));
        let (inputs, inbox) = mpsc::unbounded_channel();
        let keeper = Keeper::new(transports, Arc::clone(&clock), identities, sender, inputs.clone());
        (Self { snapshots, inputs, clock }, Watch { keeper, inbox })
    }

    /// What is attached at this moment.
    pub fn now(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshots.borrow())
    }

    /// A receiver that sees every later snapshot, or the newest of them.
    pub fn subscribe(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.snapshots.clone()
    }

    /// What is attached when everything present has been read, or after three seconds whatever is known then.
    pub async fn settled(&self) -> Arc<Snapshot> {
        let mut snapshots = self.snapshots.clone();
        tokio::select! {
            _ = snapshots.wait_for(|snapshot| snapshot.settled) => {}
            () = self.clock.sleep(SETTLE) => {}
        }
        self.now()
    }

    /// Finds a credential by its id, waiting until everything present has been read if it isn't there yet.
    ///
    /// # Errors
    ///
    /// [`Missing`], which tells an absent token from a locked one and from an absent credential.
    pub async fn credential(&self, id: &str) -> Result<Found, Missing> {
        match self.now().credential(id) {
            Ok(found) => Ok(found),
            Err(_) => self.settled().await.credential(id),
        }
    }

    /// What is attached when everything that workers have told until now is in it.
    pub async fn caught_up(&self) -> Arc<Snapshot> {
        let (answer, answered) = oneshot::channel();
        // Errors mean that the daemon is ending.
        let _ = self.inputs.send(Input::Barrier(Barrier { _answer: answer }));
        let _ = answered.await;
        self.now()
    }

    /// Reads every token's list again, for a person who changed it with another program.
    pub async fn refresh(&self) {
        let snapshot = self.now();
        // What went wrong shows as the token's state.
        let reads = snapshot.tokens.values().map(|attached| attached.token.read());
        tokio::select! {
            _ = join_all(reads) => {}
            () = self.clock.sleep(REFRESH) => {}
        }
    }
}
