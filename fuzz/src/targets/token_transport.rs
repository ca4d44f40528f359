//! A transport with one smart card.

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
}

impl OneCard {
    pub(super) fn new(card: ScriptedCard) -> Self {
        let (stop, stopped) = mpsc::channel();
        Self { card: Arc::new(Mutex::new(card)), stop: Mutex::new(Some(stop)), stopped: Mutex::new(stopped) }
    }

    /// Looks at the card.
    pub(super) fn look<T>(&self, look: impl FnOnce(&ScriptedCard) -> T) -> T {
        look(&self.card.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Transport for OneCard {
    fn name(&self) -> &'static str {
        "fuzz"
    }

    fn watch(&self, report: &mut dyn FnMut(Presence) -> bool) {
        let id = DeviceId { name: "reader".into(), insertion: 1 };
        let attachment = Attachment { id, is_virtual: true, reader: Some("reader".into()), usb: None };
        report(Presence { devices: vec![attachment], problem: None });
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
