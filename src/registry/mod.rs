//! What is attached now, as immutable snapshots.
//!
//! Levels, not edges: transports report whole sets, readers compare snapshots, so no event can be lost, and
//! start-up, resume, plugging and a restart of pcscd are one code path.

mod device;
mod keeper;
mod snapshot;
mod tokens;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::{mpsc, watch};

use crate::clock::Clock;
use crate::device::Transport;
use crate::task::Task;
use crate::token::{Identities, Token};
use device::Waiter;
use keeper::{Input, Keeper};

pub use snapshot::{Attached, DeviceKey, Found, Missing, Snapshot, State};

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
    /// Starts to watch the transports, each on a thread of its own. The tasks make the registry learn what the threads
    /// see; they need a tokio runtime, and run until the transports are stopped.
    ///
    /// # Errors
    ///
    /// When the system has no thread left.
    pub fn start(self) -> std::io::Result<Vec<Task>> {
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

    /// As [`Registry::settled`], for a call that misses a token: first the transports compare what is attached with what
    /// they reported, and devices that could not be read are read again.
    pub async fn searched(&self) -> Arc<Snapshot> {
        let search = async {
            self.answered(Input::Wanted).await;
            self.settled().await;
        };
        tokio::select! {
            () = search => {}
            () = self.clock.sleep(SETTLE) => {}
        }
        self.now()
    }

    /// Has devices that could not be read read again, for a call that wants one of them and doesn't wait for that.
    pub fn want(&self) {
        // An error means that the daemon is ending.
        let _ = self.inputs.send(Input::Wanted(Waiter::new().0));
    }

    /// What is attached when everything that workers have told until now is in it.
    pub async fn caught_up(&self) -> Arc<Snapshot> {
        self.answered(Input::Barrier).await;
        self.now()
    }

    /// Reads every token's list again, for a person who changed it with another program.
    pub async fn refresh(&self) {
        let snapshot = self.now();
        // What went wrong shows as the token's state.
        let reads =
            join_all(snapshot.tokens.values().flat_map(|attached| attached.handles()).map(Token::read));
        let all = async { tokio::join!(reads, self.answered(Input::Wanted)) };
        tokio::select! {
            _ = all => {}
            () = self.clock.sleep(REFRESH) => {}
        }
    }

    async fn answered(&self, input: impl FnOnce(Waiter) -> Input) {
        let (waiter, answered) = Waiter::new();
        // Errors mean that the daemon is ending.
        let _ = self.inputs.send(input(waiter));
        let _ = answered.await;
    }
}
