//! Requests to virtual tokens.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use super::*;
use crate::clock::ManualClock;
use crate::device::{self, DeviceId, Identity, Opened, Presence};
use crate::secret::SecretText;
use crate::virt::{self, VirtualTransport};

const TOKEN: &str = "[[token]]
serial = 31415926
password = 'correct horse'
credential = [{ account = 'alice', seed = 'GEZDGNBV' }]
";

const OTHER: &str = "[[token]]
serial = 27182818
credential = [{ account = 'alice', seed = 'GEZDGNBV' }]
";

/// A transport whose cards another program holds after a number of opens.
struct Held {
    cards: VirtualTransport,
    free: usize,
    opens: AtomicUsize,
    /// What the application of the vendor answers, and the number of questions.
    identity: Identity,
    questions: AtomicUsize,
}

impl Transport for Held {
    fn name(&self) -> &'static str {
        "virtual"
    }

    fn watch(&self, report: &mut dyn FnMut(Presence) -> bool) {
        self.cards.watch(report);
    }

    fn stop(&self) {
        self.cards.stop();
    }

    fn open(&self, device: &DeviceId) -> Result<Opened, device::Error> {
        match self.opens.fetch_add(1, Ordering::SeqCst) {
            before if before < self.free => self.cards.open(device),
            _ => Err(device::Error::Busy),
        }
    }

    fn identify(&self, _device: &Attachment) -> Option<Identity> {
        self.questions.fetch_add(1, Ordering::SeqCst);
        Some(self.identity.clone())
    }
}

struct Rig {
    state: tempfile::TempDir,
    transport: Arc<Held>,
    token: Token,
    events: mpsc::Receiver<Event>,
}

impl Rig {
    /// A token that can be opened so many times.
    fn new(free: usize) -> Self {
        Self::of(tempfile::tempdir().unwrap(), free, Identity::default())
    }

    fn of(state: tempfile::TempDir, free: usize, identity: Identity) -> Self {
        let cards = VirtualTransport::new(&virt::parse(TOKEN).unwrap());
        let transport = Arc::new(Held {
            cards,
            free,
            identity,
            opens: AtomicUsize::new(0),
            questions: AtomicUsize::new(0),
        });
        let mut attached = None;
        transport.watch(&mut |presence| {
            attached = presence.devices.into_iter().next();
            false
        });
        let (sink, events) = mpsc::channel();
        let token = Token::attach(
            transport.clone(),
            attached.unwrap(),
            Arc::new(ManualClock::at(Duration::from_secs(1_800_000_000))),
            Identities::new(state.path().to_owned()),
            OtpSlots::default(),
            Arc::new(move |event| drop(sink.send(event))),
        );
        Self { state, transport, token: token.unwrap(), events }
    }

    async fn unlock(&self) -> Result<(), Error> {
        let secret = SecretText::new("correct horse".to_owned());
        let since = self.token.wipe_counts();
        let unlock = Unlock {
            secret: Secret::Text(secret),
            since,
            may_require_touch: false,
            allow_last_attempts: false,
        };
        self.token.unlock(unlock, watch::Sender::default()).await
    }
}

#[tokio::test]
async fn the_key_of_a_replaced_token_is_wiped_also_for_those_who_keep_its_handle() {
    let rig = Rig::new(usize::MAX);
    assert_eq!(rig.token.read().await, Err(Error::Locked));
    rig.unlock().await.unwrap();
    assert!(rig.token.keys.known.lend(|_| ()).is_some());
    let card = rig.transport.cards.token(31_415_926).unwrap();
    card.swap(&virt::parse(OTHER).unwrap()[0]);
    assert_eq!(rig.token.read().await, Err(Error::Removed));
    assert!(rig.token.keys.known.lend(|_| ()).is_none());
}

#[tokio::test]
async fn an_unlock_of_a_token_that_was_never_read_describes_it() {
    let rig = Rig::new(usize::MAX);
    rig.unlock().await.unwrap();
    let events: Vec<_> = rig.events.try_iter().collect();
    assert!(matches!(&events[..], [Event::Selected(_), Event::Ready(_)]), "{events:?}");
}

#[tokio::test]
async fn a_reading_if_the_card_is_free_tries_it_once() {
    let rig = Rig::new(0);
    assert_eq!(rig.token.read_if_free().await, Err(Error::Busy));
    assert_eq!(rig.transport.opens.load(Ordering::SeqCst), 1);
}

/// An imitation says so only when it is asked, and its version is that of a YubiKey.
#[tokio::test]
async fn a_token_is_asked_for_its_model_once_and_keeps_it_at_the_next_insertion() {
    let identity = Identity {
        serial: Some("31415926".to_owned()),
        firmware: Some("8.0.0".to_owned()),
        is_yubikey: Some(false),
    };
    let mut state = tempfile::tempdir().unwrap();
    for questions in [1, 0] {
        let rig = Rig::of(state, usize::MAX, identity.clone());
        assert_eq!(rig.token.read().await, Err(Error::Locked));
        let info = rig.events.try_iter().find_map(|event| match event {
            Event::Selected(info) => Some(info),
            _ => None,
        });
        let info = info.unwrap();
        let seen = (info.vendor.as_str(), info.model.as_str(), info.serial.as_str(), info.firmware.as_str());
        assert_eq!(seen, ("", "OATH token", "31415926", "8.0.0"));
        assert_eq!(rig.transport.questions.load(Ordering::SeqCst), questions);
        state = rig.state;
    }
}
