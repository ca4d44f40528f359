//! Messages of workers that come late.

use std::ffi::OsString;
use std::time::Duration;

use tempfile::TempDir;
use tokio::sync::oneshot;

use super::*;
use crate::clock::ManualClock;
use crate::device::DeviceId;
use crate::virt::VirtualTransport;

/// A keeper with a device in a reader.
struct Rig {
    keeper: Keeper,
    key: (usize, DeviceId),
    clock: Arc<ManualClock>,
    _state: TempDir,
    _inbox: mpsc::UnboundedReceiver<Message>,
}

impl Rig {
    fn new() -> Self {
        let state = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(Duration::from_secs(9)));
        let transports: Vec<Arc<dyn Transport>> = vec![Arc::new(VirtualTransport::new(&[]))];
        let (messages, inbox) = mpsc::unbounded_channel();
        let mut keeper = Keeper::new(
            Arc::new(OnceLock::from(transports)),
            clock.clone(),
            Identities::new(state.path().to_owned()),
            OtpSlots::default(),
            watch::channel(Arc::new(Snapshot::empty(false))).0,
            messages,
        );
        let id = DeviceId { name: OsString::from("reader"), insertion: 1 };
        let key = (0, id.clone());
        keeper.attach(
            key.clone(),
            Attachment { id, is_virtual: true, reader: Some("reader".into()), usb: None, atr: Vec::new() },
        );
        Self { keeper, key, clock, _state: state, _inbox: inbox }
    }

    fn origin(&self, attachment: u64) -> Origin {
        Origin { key: self.key.clone(), attachment }
    }
}

/// The clock of a test may move between an event of a reading and its end. The supervision then sees a long wait.
#[tokio::test]
async fn only_a_card_without_any_event_is_held_by_another_program() {
    let denied = || token::Error::PcscDenied;
    let selected = Event::Selected(Info::unidentified("reader".as_ref(), true, "virtual"));
    for (result, state) in [
        (None, State::Busy),
        (Some(selected), State::Reading),
        (Some(Event::Failed(denied())), State::Error(denied())),
        (Some(Event::NoApplication), State::Reading),
    ] {
        let mut rig = Rig::new();
        for event in result.into_iter().chain([Event::Held]) {
            rig.keeper.handle(Message::Event(rig.origin(1), Box::new(event)));
        }
        assert_eq!(rig.keeper.devices.get(&rig.key).unwrap().state, state);
    }
}

#[tokio::test]
async fn messages_of_an_earlier_attachment_of_a_device_are_ignored() {
    let rig = Rig::new();
    let [old, new] = [1, 2].map(|attachment| rig.origin(attachment));
    let Rig { mut keeper, key, clock, .. } = rig;
    let failed = Event::Failed(token::Error::Stuck);
    assert!(keeper.handle(Message::Event(old.clone(), Box::new(failed))));
    clock.advance(Duration::from_secs(2));
    let (waiter, mut answered) = Waiter::new();
    assert!(!keeper.handle(Message::Rescan(waiter)));
    keeper.rescans.clear();
    assert!(keeper.handle(Message::Event(old.clone(), Box::new(Event::Replaced))));
    assert_eq!(keeper.answered.len(), 1, "a caller of the old reading waits for the publication");
    assert!(answered.try_recv().is_err_and(|error| error == oneshot::error::TryRecvError::Empty));

    for late in [Message::Event(old.clone(), Box::new(Event::Revived)), Message::ReadingEnded(old)] {
        let text = format!("{late:?}");
        assert!(!keeper.handle(late), "{text}");
        assert!(!keeper.devices.get(&key).unwrap().is_read, "{text}");
    }
    assert!(keeper.handle(Message::Event(new, Box::new(Event::Revived))));
    assert!(keeper.devices.get(&key).unwrap().is_read);
}
