//! The thread that owns a device. Everything here may block.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};

use super::identity::{Identities, Marks};
use super::key_slot::KeySlot;
use super::recognise::recognise;
use super::{Calculated, Error, Event, Info, Moment, News, Order};
use crate::clock::Clock;
use crate::device::{self, Attachment, Device, Opened, Progress, Transport};
use crate::otp::{Code, Step};
use crate::protocol::ykoath::{self, AccessKey, Credential, Factor, Kind, Selection, Session};
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
    access_key: KeySlot,
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
            access_key: KeySlot::default(),
            vendor_identity: None,
            introduced: false,
        }
    }

    pub(super) fn access_key(&self) -> KeySlot {
        self.access_key.clone()
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
            let factor = factor(order, &*clock);
            let code = session.calculate(&order.credential, factor, progress)?;
            Ok(Calculated {
                code,
                step: match factor {
                    Factor::Step(step) => Some(step),
                    Factor::Counter => None,
                },
                next: next_code(order, factor, session, progress)?,
            })
        });
        if matches!(result, Err(ykoath::Error::NoSuchCredential)) {
            // Another program changed the token's list since it was read.
            let _ = self.read(progress);
        }
        result.map_err(|error| self.notice_lock(error))
    }

    pub(super) fn unlock(&mut self, password: &SecretText, progress: &dyn Progress) -> Result<(), Error> {
        let wipes = self.access_key.wipes();
        let selection = self.select(progress)?;
        let mut key = None;
        if selection.challenge.is_some() {
            let salt = selection.salt.ok_or(Error::Unsupported("its lock is a PIN, not a password"))?;
            key = Some(AccessKey::derive(password, &salt));
        }
        // The session proves the key before it lists.
        let credentials =
            self.with_key(key.as_ref(), Repeat::Always, progress, |session| session.credentials())?;
        if let Some(key) = key {
            self.access_key.put(key, wipes);
        }
        self.report(Event::Ready(credentials));
        Ok(())
    }

    pub(super) fn lock(&mut self, progress: &dyn Progress) -> Result<(), Error> {
        self.access_key.wipe();
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
                self.access_key.wipe();
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
        let key = self.access_key.get();
        self.with_key(key.as_ref(), repeat, progress, work)
    }

    fn with_key<T>(
        &mut self,
        key: Option<&AccessKey>,
        repeat: Repeat,
        progress: &dyn Progress,
        mut work: impl FnMut(&mut Session<'_>) -> Result<T, ykoath::Error>,
    ) -> Result<T, ykoath::Error> {
        self.transact(repeat, progress, |session| {
            if session.is_locked() {
                session.validate(key.ok_or(ykoath::Error::Locked)?)?;
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

fn factor(order: &Order, clock: &dyn Clock) -> Factor {
    let now = Step::at(clock.unix_time(), order.credential.period);
    match order.moment {
        Moment::Now => Factor::Step(now),
        Moment::NotBefore(step) => Factor::Step(now.max(step)),
        Moment::Counter => Factor::Counter,
    }
}

fn next_code(
    order: &Order,
    factor: Factor,
    session: &mut Session<'_>,
    progress: &dyn Progress,
) -> Result<Option<Code>, ykoath::Error> {
    match factor {
        // It may want a touch of its own, and nobody would know what for.
        Factor::Step(_) if progress.is_cancelled() => Ok(None),
        Factor::Step(step) if order.with_next && order.credential.kind != Kind::Hotp => {
            session.calculate(&order.credential, Factor::Step(step.next()), progress).map(Some)
        }
        _ => Ok(None),
    }
}

/// Nitrokey's tag 8F: four bytes, shown in hexadecimal by its own tools.
fn serial_of(selection: &Selection) -> Option<String> {
    selection.serial.as_deref().map(|serial| data_encoding::HEXLOWER.encode(serial))
}
