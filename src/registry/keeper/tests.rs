//! A device that is attached again.

use std::ffi::OsString;
use std::time::Duration;

use tokio::sync::oneshot;

use super::*;
use crate::clock::ManualClock;
use crate::device::DeviceId;
use crate::virt::VirtualTransport;

#[tokio::test]
async fn messages_of_an_earlier_attachment_of_a_device_are_ignored() {
    let state = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::at(Duration::from_secs(9)));
    let transports: Vec<Arc<dyn Transport>> = vec![Arc::new(VirtualTransport::new(&[]))];
    let (messages, _inbox) = mpsc::unbounded_channel();
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
    keeper.attach(key.clone(), Attachment { id, is_virtual: true, reader: Some("reader".into()), usb: None });
    let [old, new] = [1, 2].map(|attachment| Origin { key: key.clone(), attachment });
    let failed = Event::Failed(token::Error::Stuck);
    assert!(keeper.handle(Message::Event(old.clone(), failed)));
    clock.advance(Duration::from_secs(2));
    let (waiter, mut answered) = Waiter::new();
    assert!(!keeper.handle(Message::Rescan(waiter)));
    keeper.rescans.clear();
    assert!(keeper.handle(Message::Event(old.clone(), Event::Replaced)));
    assert_eq!(keeper.answered.len(), 1, "a caller of the old reading waits for the publication");
    assert!(answered.try_recv().is_err_and(|error| error == oneshot::error::TryRecvError::Empty));

    for late in [Message::Event(old.clone(), Event::Revived), Message::ReadingEnded(old)] {
        let text = format!("{late:?}");
        assert!(!keeper.handle(late), "{text}");
        assert!(!keeper.devices.get(&key).unwrap().is_read, "{text}");
    }
    assert!(keeper.handle(Message::Event(new, Event::Revived)));
    assert!(keeper.devices.get(&key).unwrap().is_read);
}
