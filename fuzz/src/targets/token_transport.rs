//! A transport with one smart card.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use oathbridge::device::{
    Attachment, Device, DeviceId, Error, Opened, Presence, Progress, Transaction, Transport,
};
use oathbridge::iso7816::{Command, Response};

use super::ykoath_card::ScriptedCard;

/// A transport whose card is attached until the end.
pub(super) struct OneCard {
    card: Arc<Mutex<ScriptedCard>>,
    stop: Mutex<Option<mpsc::Sender<()>>>,
    stopped: Mutex<mpsc::Receiver<()>>,
    /// It sends nothing, and is dropped with the transport.
    _exists: mpsc::Sender<()>,
}

impl OneCard {
    /// A transport, and the receiver that is disconnected when nothing has the transport.
    pub(super) fn new(card: &Arc<Mutex<ScriptedCard>>) -> (Arc<Self>, mpsc::Receiver<()>) {
        let (stop, stopped) = mpsc::channel();
        let (exists, ended) = mpsc::channel();
        let (stop, stopped) = (Mutex::new(Some(stop)), Mutex::new(stopped));
        (Arc::new(Self { card: Arc::clone(card), stop, stopped, _exists: exists }), ended)
    }
}

impl Transport for OneCard {
    fn name(&self) -> &'static str {
        "fuzz"
    }

    fn watch(&self, report: &mut dyn FnMut(Presence) -> bool) {
        let id = DeviceId { name: "reader".into(), insertion: 1 };
        let attachment =
            Attachment { id, is_virtual: true, reader: Some("reader".into()), usb: None, atr: Vec::new() };
        report(Presence { devices: vec![attachment], problems: BTreeSet::new() });
        // An error means that the sender is gone, which ends the wait.
        let _ = self.stopped.lock().unwrap_or_else(PoisonError::into_inner).recv();
    }

    fn stop(&self) {
        drop(self.stop.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    fn open(&self, _: &DeviceId) -> Result<Opened, Error> {
        Ok(Opened::Apdu(Box::new(Open(Arc::clone(&self.card)))))
    }
}

/// An open handle to the card.
struct Open(Arc<Mutex<ScriptedCard>>);

impl Device for Open {
    fn transaction(&mut self) -> Result<Box<dyn Transaction + '_>, Error> {
        Ok(Box::new(Exchange(&self.0)))
    }
}

struct Exchange<'d>(&'d Mutex<ScriptedCard>);

impl Transaction for Exchange<'_> {
    fn transmit(&mut self, command: &Command, progress: &dyn Progress) -> Result<Response, Error> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).transmit(command, progress)
    }
}
