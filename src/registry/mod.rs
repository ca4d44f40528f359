//! The attached tokens, published as immutable snapshots.
//!
//! The registry is level-triggered: a transport reports the whole set of its devices, and readers compare snapshots. A
//! missed event is therefore harmless, and start-up, resume, insertion and a restart of pcscd share one code path.

mod device;
mod keeper;
mod message;
mod monitors;
mod snapshot;
mod tokens;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::{mpsc, oneshot, watch};

use crate::clock::Clock;
use crate::config::Hid;
use crate::device::{HidKind, Transport};
use crate::task::Task;
use crate::token::{Identities, OtpSlots, Token};
use device::Waiter;
use keeper::Keeper;
use message::Message;

pub use snapshot::{Attached, DeviceKey, Found, Missing, Snapshot, State};

/// The maximum time that a call waits for the first reading of attached devices, or for a rescan.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(3);

/// The maximum time of [`Registry::refresh`]; D-Bus clients stop waiting for a reply after 25 s.
const REFRESH_TIMEOUT: Duration = Duration::from_secs(15);

/// The transports, once there are any.
type Transports = Arc<OnceLock<Vec<Arc<dyn Transport>>>>;

/// A handle to the registry. Clones share the registry.
#[derive(Clone, Debug)]
pub struct Registry {
    transports: Transports,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    messages: mpsc::UnboundedSender<Message>,
    otp_slots: OtpSlots,
    clock: Arc<dyn Clock>,
}

/// The transports of a new registry. No device is opened before [`Watch::start`].
pub struct Watch {
    keeper: Keeper,
    inbox: mpsc::UnboundedReceiver<Message>,
}

impl Watch {
    /// Starts to watch the transports that the registry has, each on its own thread. The returned tasks pass the reports of
    /// the threads to the registry. They need a tokio runtime, and run until the transports are stopped.
    ///
    /// # Errors
    ///
    /// If the system cannot start a thread.
    pub fn start(self) -> std::io::Result<Vec<Task>> {
        self.keeper.start(self.inbox)
    }
}

impl Registry {
    /// An empty registry over `transports`, and the [`Watch`] that fills it.
    pub fn new(
        transports: Vec<Arc<dyn Transport>>,
        clock: Arc<dyn Clock>,
        identities: Identities,
    ) -> (Self, Watch) {
        let is_settled = transports.is_empty();
        Self::over(Arc::new(OnceLock::from(transports)), is_settled, clock, identities)
    }

    /// An empty registry whose transports are not known yet, see [`Registry::open`]. It is not settled before.
    pub fn waiting(clock: Arc<dyn Clock>, identities: Identities) -> (Self, Watch) {
        Self::over(Transports::default(), false, clock, identities)
    }

    fn over(
        transports: Transports,
        is_settled: bool,
        clock: Arc<dyn Clock>,
        identities: Identities,
    ) -> (Self, Watch) {
        let (sender, snapshots) = watch::channel(Arc::new(Snapshot::empty(is_settled)));
        let (messages, inbox) = mpsc::unbounded_channel();
        let otp_slots = OtpSlots::default();
        let (slots, timer) = (otp_slots.clone(), Arc::clone(&clock));
        let keeper = Keeper::new(Arc::clone(&transports), timer, identities, slots, sender, messages.clone());
        (Self { transports, snapshots, messages, otp_slots, clock }, Watch { keeper, inbox })
    }

    /// Gives its transports to a registry that waits for them, and starts to watch each on its own thread. Returns the
    /// threads' tasks, as [`Watch::start`] does. A registry that has its transports keeps them.
    ///
    /// # Errors
    ///
    /// If the system cannot start a thread.
    pub fn open(&self, transports: Vec<Arc<dyn Transport>>, hid: &Hid) -> std::io::Result<Vec<Task>> {
        if self.transports.set(transports).is_err() {
            return Ok(Vec::new());
        }
        self.configure(hid);
        let tasks = monitors::monitors(self.transports(), &self.messages)?;
        // Without a transport no report would change the snapshot. An error means that the daemon is ending.
        let _ = self.messages.send(Message::Opened);
        Ok(tasks)
    }

    /// The transports; none while the registry waits for them.
    pub fn transports(&self) -> &[Arc<dyn Transport>] {
        self.transports.get().map_or(&[], Vec::as_slice)
    }

    /// The newest snapshot.
    pub fn now(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshots.borrow())
    }

    /// A receiver of later snapshots. A slow receiver skips to the newest one.
    pub fn subscribe(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.snapshots.clone()
    }

    /// The snapshot after all attached devices have been read, or the newest one after 3 s.
    pub async fn settled(&self) -> Arc<Snapshot> {
        let mut snapshots = self.snapshots.clone();
        tokio::select! {
            _ = snapshots.wait_for(|snapshot| snapshot.settled) => {}
            () = self.clock.sleep(SETTLE_TIMEOUT) => {}
        }
        self.now()
    }

    /// Like [`Registry::settled`], after the transports have rescanned and the devices whose reading failed have been read
    /// again. For a call whose token is missing. The limit of 3 s includes the rescan.
    pub async fn rescanned(&self) -> Arc<Snapshot> {
        let rescan = async {
            self.answered(Message::Rescan).await;
            self.settled().await;
        };
        tokio::select! {
            () = rescan => {}
            () = self.clock.sleep(SETTLE_TIMEOUT) => {}
        }
        self.now()
    }

    /// Requests what [`Registry::rescanned`] waits for, without waiting.
    pub fn request_rescan(&self) {
        // An error means that the daemon is ending.
        let _ = self.messages.send(Message::Rescan(Waiter::new().0));
    }

    /// Finds out which cards the system refuses to this user by now; the snapshots show them. Sends no command to a card.
    pub async fn check_access(&self) {
        let snapshot = self.now();
        let handles = snapshot.tokens.values().flat_map(|attached| attached.handles());
        join_all(handles.map(Token::check_access)).await;
    }

    /// The first snapshot that contains all events that workers have sent before this call.
    pub async fn caught_up(&self) -> Arc<Snapshot> {
        self.answered(Message::Barrier).await;
        self.now()
    }

    /// Sets the HID interfaces to look for, and the slots of OTP keys that are tokens; there are none before. Attached keys
    /// become tokens with [`Registry::refresh`].
    pub fn configure(&self, hid: &Hid) {
        self.otp_slots.configure(hid);
        let kinds = [
            (HidKind::Fido, hid.uses_fido()),
            (HidKind::Keyboard, hid.uses_slots()),
            (HidKind::NitrokeyPro, hid.enabled),
        ];
        let used: Vec<_> = kinds.into_iter().filter_map(|(kind, is_used)| is_used.then_some(kind)).collect();
        self.transports().iter().for_each(|transport| transport.look_for(&used));
    }

    /// Reads the credentials of all tokens again, because another program may have changed them. Also reads the devices that
    /// the configuration may have made tokens, and keys without OATH, whose application may have been switched on. Returns
    /// after 15 s at the latest.
    pub async fn refresh(&self) {
        self.read_again(true).await;
    }

    /// As [`Registry::refresh`], but sends nothing to cards that are no tokens: it would end the sessions of other programs
    /// with their other applications.
    pub async fn refresh_tokens(&self) {
        self.read_again(false).await;
    }

    async fn read_again(&self, includes_cards: bool) {
        let is_read = |attached: &&Arc<Attached>| includes_cards || !attached.is_without_oath();
        let reading = async {
            let (unused, handles) = oneshot::channel();
            // Errors mean that the daemon is ending.
            let _ = self.messages.send(Message::Unused(includes_cards, unused));
            let unused = handles.await.unwrap_or_default();
            let snapshot = self.now();
            let tokens = snapshot.tokens.values().filter(is_read).flat_map(|attached| attached.handles());
            // Errors appear as the state of the token.
            join_all(tokens.chain(&unused).map(Token::read)).await;
        };
        let all = async { tokio::join!(reading, self.answered(Message::Rescan)) };
        tokio::select! {
            _ = all => {}
            () = self.clock.sleep(REFRESH_TIMEOUT) => {}
        }
    }

    async fn answered(&self, message: impl FnOnce(Waiter) -> Message) {
        let (waiter, answered) = Waiter::new();
        // Errors mean that the daemon is ending.
        let _ = self.messages.send(message(waiter));
        let _ = answered.await;
    }
}
