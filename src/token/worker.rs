//! The thread that owns a device. Everything here may block.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};

use super::identity::{Identities, Marks};
use super::keys::{Keys, Since};
use super::recognise::recognise;
use super::{Calculated, Error, Event, Info, Moment, News, Order};
use crate::clock::Clock;
use crate::device::{self, Attachment, Device, Opened, Progress, Transport};
use crate::protocol::ykoath::{self, AccessKey, Credential, Factor, KeySlot, Selection, Session};
use crate::secret::SecretText;

/// The protocol family that this worker speaks; the first part of a token's id.
const FAMILY: &str = "ykoath";

/// How long to wait for another program that holds the token exclusively, and how often to look.
const BUSY_WAIT: Duration = Duration::from_millis(100);
const BUSY_TRIES: u32 = 20;

/// How often a transaction is begun anew when other programs reset the card under it.
const RESET_TRIES: u32 = 3;

/// A request on its way to the worker.
pub(super) struct Job {
    started: oneshot::Sender<()>,
    run: Box<dyn FnOnce(&mut Worker) + Send>,
}

impl Job {
    pub(super) fn new(started: oneshot::Sender<()>, run: impl FnOnce(&mut Worker) + Send + 'static) -> Self {
        Self { started, run: Box::new(run) }
    }
}

pub(super) struct Worker {
    transport: Arc<dyn Transport>,
    attachment: Attachment,
    clock: Arc<dyn Clock>,
    identities: Identities,
    news: News,
    in_transaction: watch::Sender<bool>,
    keys: Keys,
    /// What the vendor's application said, once it was asked.
    vendor_identity: Option<device::Identity>,
    introduced: bool,
}

impl Worker {
    pub(super) fn new(
        transport: Arc<dyn Transport>,
        attachment: Attachment,
        clock: Arc<dyn Clock>,
        identities: Identities,
        news: News,
        in_transaction: watch::Sender<bool>,
    ) -> Self {
        Self {
            transport,
            attachment,
            clock,
            identities,
            news,
            in_transaction,
            keys: Keys::default(),
            vendor_identity: None,
            introduced: false,
        }
    }

    pub(super) fn keys(&self) -> Keys {
        self.keys.clone()
    }

    pub(super) fn run(mut self, mut inbox: mpsc::Receiver<Job>) {
        while let Some(job) = inbox.blocking_recv() {
            // An error means that nobody supervises the job, which is no reason not to do it.
            let _ = job.started.send(());
            (job.run)(&mut self);
        }
    }

    pub(super) fn read(&mut self, progress: &dyn Progress) -> Result<(), Error> {
        let result = self.introduce(progress).and_then(|()| self.list(progress));
        match result.map_err(|error| self.notice_lock(error)) {
            Ok(credentials) => {
                self.report(Event::Ready(credentials));
                Ok(())
            }
            Err(Error::Locked) => Err(Error::Locked),
            Err(error) => {
                let absent = !self.introduced && error == Error::from(ykoath::Error::NoApplication);
                self.report(if absent { Event::NoApplication } else { Event::Failed(error.clone()) });
                Err(error)
            }
        }
    }

    pub(super) fn calculate(&mut self, order: &Order, progress: &dyn Progress) -> Result<Calculated, Error> {
        let clock = Arc::clone(&self.clock);
        // A counter moves with each calculation, so what may have been calculated is never repeated.
        let repeat = if order.moment == Moment::Counter { Repeat::UntilBegun } else { Repeat::Always };
        let result = self.in_session(repeat, progress, |session| {
            let factor = order.factor(&*clock);
            let code = session.calculate(&order.credential, factor, progress)?;
            Ok(Calculated {
                code,
                step: match factor {
                    Factor::Step(step) => Some(step),
                    Factor::Counter => None,
                },
                next: order.next_code(factor, session, progress)?,
            })
        });
        if matches!(result, Err(ykoath::Error::NoSuchCredential)) {
            // Another program changed the token's list since it was read.
            let _ = self.read(progress);
        }
        result.map_err(|error| self.notice_lock(error))
    }

    /// `since` is when this was asked for: who has wiped the keys meanwhile means this one, too.
    pub(super) fn unlock(
        &mut self,
        password: &SecretText,
        since: Since,
        progress: &dyn Progress,
    ) -> Result<(), Error> {
        let selection = self.select(progress)?;
        let has_password = selection.challenge.is_some();
        if has_password {
            let salt = selection.salt.ok_or(Error::Unsupported("its lock is a PIN, not a password"))?;
            self.keys.try_out(AccessKey::derive(password, &salt), since);
        }
        let tried = self.keys.tried.clone();
        // The session proves the key before it lists.
        let listed = self.with_key(&tried, Repeat::Always, progress, |session| session.credentials());
        if progress.is_cancelled() {
            // Nobody hears this, and whoever called it off counts on the token being as it was.
            tried.take();
            return Err(Error::Locked);
        }
        let credentials = listed.inspect_err(|_| drop(tried.take()))?;
        if has_password && !self.keys.keep_tried(since) {
            return Err(self.notice_lock(ykoath::Error::Locked));
        }
        self.report(Event::Ready(credentials));
        Ok(())
    }

    pub(super) fn lock(&mut self, progress: &dyn Progress) -> Result<(), Error> {
        self.keys.forget();
        match self.read(progress) {
            Ok(()) | Err(Error::Locked) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Tells who the token is. A token never seen before is asked for its serial number, once.
    fn introduce(&mut self, progress: &dyn Progress) -> Result<(), ykoath::Error> {
        let selection = self.select(progress)?;
        let device = &self.attachment.id;
        let mut marks = Marks { salt: selection.salt.clone(), serial: serial_of(&selection) };
        if let Some(known) = self.identities.known_serial(&marks) {
            marks.serial = Some(known);
        } else if marks.serial.is_none() {
            // Once per insertion, whatever the answer: asking costs other programs their application.
            let asked = || self.transport.identify(device).unwrap_or_default();
            marks.serial.clone_from(&self.vendor_identity.get_or_insert_with(asked).serial);
        }
        let vendor_firmware = self.vendor_identity.as_ref().and_then(|identity| identity.firmware.clone());
        let names = recognise(&device.name, &selection);
        let version = selection.version.filter(|_| names.version_is_firmware);
        let firmware = version.map(|[major, minor, patch]| format!("{major}.{minor}.{patch}"));
        let info = Info {
            id: self.identities.resolve(FAMILY, &marks, &device.name),
            vendor: names.vendor.to_owned(),
            model: names.model,
            family: FAMILY.to_owned(),
            serial: marks.serial.unwrap_or_default(),
            firmware: vendor_firmware.or(firmware).unwrap_or_default(),
            reader: device.name.clone(),
            is_virtual: self.attachment.is_virtual,
            transport: self.transport.name(),
            attempts_left: selection.attempts_left,
        };
        self.introduced = true;
        self.report(Event::Selected(info));
        Ok(())
    }

    /// A lock that is met on the way is news, and a key that stopped working is as good as none.
    fn notice_lock(&mut self, error: ykoath::Error) -> Error {
        match error {
            ykoath::Error::Locked | ykoath::Error::WrongKey => {
                self.keys.forget();
                self.report(Event::Locked);
                Error::Locked
            }
            error => error.into(),
        }
    }

    fn select(&mut self, progress: &dyn Progress) -> Result<Selection, ykoath::Error> {
        self.transact(Repeat::Always, progress, |session| Ok(session.selection().clone()))
    }

    fn list(&mut self, progress: &dyn Progress) -> Result<Vec<Credential>, ykoath::Error> {
        self.in_session(Repeat::Always, progress, |session| session.credentials())
    }

    /// One unlocked selection of the application: what every request but the first look needs.
    fn in_session<T>(
        &mut self,
        repeat: Repeat,
        progress: &dyn Progress,
        work: impl FnMut(&mut Session<'_>) -> Result<T, ykoath::Error>,
    ) -> Result<T, ykoath::Error> {
        let known = self.keys.known.clone();
        self.with_key(&known, repeat, progress, work)
    }

    fn with_key<T>(
        &mut self,
        keys: &KeySlot,
        repeat: Repeat,
        progress: &dyn Progress,
        mut work: impl FnMut(&mut Session<'_>) -> Result<T, ykoath::Error>,
    ) -> Result<T, ykoath::Error> {
        self.transact(repeat, progress, |session| {
            if session.is_locked() {
                session.validate(keys)?;
            }
            work(session)
        })
    }

    /// One transaction, begun again when another program reset the card under it.
    fn transact<T>(
        &mut self,
        repeat: Repeat,
        progress: &dyn Progress,
        mut work: impl FnMut(&mut Session<'_>) -> Result<T, ykoath::Error>,
    ) -> Result<T, ykoath::Error> {
        let mut tries = 0;
        loop {
            tries += 1;
            let mut begun = false;
            let result = self.open(progress).map_err(ykoath::Error::Device).and_then(|mut device| {
                let mut transaction = device.transaction().map_err(ykoath::Error::Device)?;
                self.in_transaction.send_replace(true);
                let mut session = Session::select(&mut *transaction)?;
                begun = true;
                work(&mut session)
            });
            self.in_transaction.send_replace(false);
            match result {
                Err(ykoath::Error::Device(error))
                    if error.is_reset() && tries < RESET_TRIES && (repeat == Repeat::Always || !begun) => {}
                result => return result,
            }
        }
    }

    /// Opens the device, waiting a little for a program that holds it exclusively.
    fn open(&self, progress: &dyn Progress) -> Result<Box<dyn Device>, device::Error> {
        for _ in 0..BUSY_TRIES {
            match self.transport.open(&self.attachment.id) {
                Ok(Opened::Apdu(device)) => return Ok(device),
                Err(device::Error::Busy) if !progress.is_cancelled() => thread::sleep(BUSY_WAIT),
                Err(error) => return Err(error),
            }
        }
        Err(device::Error::Busy)
    }

    fn report(&self, event: Event) {
        (self.news)(event);
    }
}

/// Whether a transaction that another program broke may be done again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Repeat {
    Always,
    UntilBegun,
}

/// Nitrokey's tag 8F: four bytes, shown in hexadecimal by its own tools.
fn serial_of(selection: &Selection) -> Option<String> {
    selection.serial.as_deref().map(|serial| data_encoding::HEXLOWER.encode(serial))
}
