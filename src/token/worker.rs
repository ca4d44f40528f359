//! The worker thread, which owns a device. All functions may block.

use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;
use std::time::Duration;

use super::abilities::abilities;
use super::activity::Activity;
use super::calculated::calculated;
use super::caller::Caller;
use super::detect_model::detect_model;
use super::device_id::device_id;
use super::families::Family;
use super::identity::{Fingerprint, Identities, is_serial};
use super::keys::Keys;
use super::link::{Link, Repeat};
use super::pin::{self, Listed, Protected};
use super::queue::Receiver;
use super::reports::Reports;
use super::target::Target;
use super::unlocking::{Lock, Unlock, try_secret, unlocked};
use super::without_oath;
use super::{Error, Event, EventSink, Info};
use crate::clock::Clock;
use crate::device::{self, Progress, Transport};
use crate::oath::{self, CodeRequest, CodeResult, SelfDescription, When};

/// A request in the queue of the worker.
pub(super) struct Job {
    /// The maximum time for an answer of the token.
    limit: Duration,
    run: Box<dyn FnOnce(&mut Worker) + Send>,
}

impl Job {
    pub(super) fn new(limit: Duration, run: impl FnOnce(&mut Worker) + Send + 'static) -> Self {
        Self { limit, run: Box::new(run) }
    }
}

pub(super) struct Worker {
    pub(super) link: Link,
    activity: Arc<Activity>,
    clock: Arc<dyn Clock>,
    identities: Identities,
    pub(super) reports: Reports,
    pub(super) keys: Keys,
    protected: Protected,
    /// The identity from [`Transport::identify`], after it was called.
    vendor_identity: Option<device::Identity>,
    introduced: bool,
}

/// The family and the self-description of a token, from one session.
type Selected = (&'static Family, SelfDescription);

impl Worker {
    pub(super) fn new(
        transport: Arc<dyn Transport>,
        target: Target,
        identities: Identities,
        events: EventSink,
        activity: Arc<Activity>,
    ) -> Self {
        Self {
            clock: Arc::clone(&target.clock),
            link: Link::new(transport, target, Arc::clone(&activity)),
            activity,
            identities,
            reports: Reports::new(events),
            keys: Keys::default(),
            protected: Protected::default(),
            vendor_identity: None,
            introduced: false,
        }
    }

    pub(super) fn keys(&self) -> Keys {
        self.keys.clone()
    }

    pub(super) fn run(mut self, inbox: &Receiver<Job>) {
        while let Some(job) = inbox.receive() {
            self.activity.job_begun(job.limit);
            (job.run)(&mut self);
            self.activity.job_ended();
            if self.reports.is_replaced() {
                // The jobs in the queue are for the token that was there before.
                return;
            }
        }
    }

    pub(super) fn read(&mut self, repeat: Repeat, progress: &dyn Progress) -> Result<(), Error> {
        let mut selected = None;
        let known = self.keys.known.clone();
        let listed = self.link.in_session(repeat, progress, |family, session| {
            let description = session.description();
            if selected.replace((family, description.clone())).is_none() && !self.introduced {
                self.reports.send(Event::Begun);
            }
            Ok((unlocked(session, &known)?.list_while_awaited(progress)?, description))
        });
        self.introduce(selected);
        // A security key is read again like any token that failed. An unrelated card is left alone.
        let is_unclear = matches!(listed, Err(oath::Error::NotSelected(_)))
            && self.link.is_unknown_card()
            && without_oath::vendor(&self.link.target().attachment.atr).is_none();
        match listed.map_err(|error| self.notice_lock(self.notice_other(error))) {
            Ok((credentials, description)) => {
                let listed = self.protected.complete(credentials, &description, &known);
                self.reports.send(Event::Ready(listed));
                Ok(())
            }
            Err(Error::Locked) => Err(Error::Locked),
            Err(Error::SwitchedOff { vendor, is_contactless }) => {
                let (info, vendor) = self.without_oath(vendor);
                self.reports.send(Event::WithoutOath(info));
                Err(Error::SwitchedOff { vendor, is_contactless })
            }
            Err(_) if is_unclear => {
                self.reports.send(Event::Failed(Error::Unclear));
                Err(Error::Unclear)
            }
            Err(error) => {
                let is_none = match error {
                    // The configuration may have changed since the token was introduced.
                    Error::NotConfigured => true,
                    _ => !self.introduced && error == Error::from(oath::Error::NoApplication),
                };
                self.introduced &= !is_none;
                self.reports.send(if is_none { Event::NoApplication } else { Event::Failed(error.clone()) });
                Err(error)
            }
        }
    }

    /// Calculates a code. The caller has it before the transaction ends.
    pub(super) fn calculate(&mut self, request: &CodeRequest, caller: &Caller<CodeResult>) {
        // A counter advances with each calculation, so a calculation that may have happened is never repeated.
        // A PIN may cost an attempt, so it is never tried again by itself.
        let is_protected = request.credential.is_pin_protected;
        let is_once = request.when == When::Counter || is_protected;
        let repeat = if is_once { Repeat::UntilBegun } else { Repeat::Always };
        let (clock, known, reports) = (Arc::clone(&self.clock), self.keys.known.clone(), &self.reports);
        let result = self.link.in_session(repeat, caller, |_, session| {
            let session =
                if is_protected { pin::with_kept_pin(session, &known)? } else { unlocked(session, &known)? };
            let result = calculated(session, request, &*clock, caller)?;
            reports.code(&request.credential, &result);
            caller.answer_early(result);
            Ok(())
        });
        if let Err(error) = result {
            let error = self.notice_other(error);
            self.notice_denial(&error);
            let error = if is_protected { self.notice_pin(error) } else { error };
            // Another program changed the token's list since it was read, or the PIN is gone.
            let is_outdated = match error {
                oath::Error::NoSuchCredential => true,
                oath::Error::Locked | oath::Error::PinBlocked => is_protected,
                _ => false,
            };
            if is_outdated {
                let _ = self.read(Repeat::Always, caller);
            }
            caller.answer(Err(if is_protected { error.into() } else { self.notice_lock(error) }));
        }
    }

    /// Unlocks the token with a password or a PIN.
    pub(super) fn unlock(&mut self, unlock: &Unlock, progress: &dyn Progress) -> Result<(), Error> {
        let keys = self.keys.clone();
        let mut lock = Lock::default();
        let mut selected = None;
        let listed = self.link.in_session(Repeat::Always, progress, |family, session| {
            let listed = try_secret(session, unlock, &keys, &mut lock, progress);
            selected = Some((family, session.description()));
            listed
        });
        // The number of attempts left has changed, or the token could not be read before.
        let is_news = lock == Lock::Pin || !self.introduced;
        self.introduce(selected.filter(|_| is_news));
        if progress.is_cancelled() {
            // No caller receives the result, and the request was cancelled: the token stays locked.
            keys.tried.take();
            return Err(Error::Locked);
        }
        let credentials = listed.map_err(|error| {
            keys.tried.take();
            self.notice_denial(&error);
            self.notice_other(error)
        })?;
        if lock != Lock::None && !keys.keep_tried(unlock.since) {
            return Err(if lock == Lock::Pin {
                Error::Locked
            } else {
                self.notice_lock(oath::Error::Locked)
            });
        }
        if lock == Lock::Pin {
            self.protected.remember(&credentials);
        }
        self.reports.send(Event::Ready(Listed { credentials, may_hide_more: false }));
        Ok(())
    }

    /// Forgets the key, and reads the token again. A card that is not known as a token has no key and is sent nothing, because
    /// a selection would end the session of another program with an application that the daemon does not use.
    pub(super) fn lock(&mut self, progress: &dyn Progress) -> Result<(), Error> {
        self.keys.forget();
        if !self.introduced {
            return Ok(());
        }
        match self.read(Repeat::Always, progress) {
            Ok(()) | Err(Error::Locked) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Reports the identity of the token. If the serial number is unknown, it is read once for each insertion.
    fn introduce(&mut self, selected: Option<Selected>) {
        let Some((family, description)) = selected else { return };
        let mut fingerprint = Fingerprint::of_application(&description);
        let mut news = None;
        if fingerprint.serial.is_none() && !description.is_trussed {
            news = self.ask_vendor(&fingerprint);
            let serial = self.vendor_identity.as_ref().and_then(|identity| identity.serial.clone());
            fingerprint.serial = serial.filter(|serial| is_serial(serial));
        }
        if let Some(known) = self.identities.known_serial(&fingerprint) {
            fingerprint.serial = Some(known);
        }
        let attachment = &self.link.target().attachment;
        let vendor_firmware = self.vendor_identity.as_ref().and_then(|identity| identity.firmware.clone());
        let reader = attachment.reader.clone().unwrap_or_default().display().to_string();
        let model = detect_model(family.name, attachment, &description, self.vendor_identity.as_ref());
        let version = description.version.filter(|_| model.version_is_firmware);
        let firmware = version.map(|[major, minor, patch]| format!("{major}.{minor}.{patch}"));
        let abilities = abilities(family.name, &model, &description);
        let info = Info {
            id: self.identities.resolve(family.name, &fingerprint, attachment.id.name.as_bytes()),
            vendor: model.vendor.to_owned(),
            model: model.name,
            family: family.name,
            serial: fingerprint.serial.unwrap_or_default(),
            firmware: vendor_firmware.or(firmware).unwrap_or_default(),
            reader,
            is_virtual: attachment.is_virtual,
            transport: self.link.transport().name(),
            pin_set: description.pin_set,
            attempts_left: description.attempts_left,
            pin_needs_touch: description.pin_rules.needs_touch,
            own_clock: description.own_clock,
            max_key: description.max_key,
            device_id: device_id(&description),
            abilities,
        };
        if let Some(identity) = news {
            self.identities.remember_vendor(&info.id, &identity);
        }
        self.introduced = true;
        self.link.share(self.identities.turn(&info.id));
        self.link.expect(family, description);
        self.reports.send(Event::Selected(info));
    }

    /// Looks for the identity that the vendor's application reports. A token that has answered is never asked again, because the
    /// question deselects the application of another program. Returns a new answer.
    fn ask_vendor(&mut self, fingerprint: &Fingerprint) -> Option<device::Identity> {
        if self.vendor_identity.is_some() {
            return None;
        }
        let known = self.identities.known_vendor_identity(fingerprint);
        let is_known = known.is_some();
        let identity = known.or_else(|| self.link.transport().identify(&self.link.target().attachment));
        self.vendor_identity = Some(identity.clone().unwrap_or_default());
        identity.filter(|_| !is_known)
    }

    /// The description of a security key without OATH and the vendor in it. Its id is that of its reader.
    fn without_oath(&mut self, vendor: &'static str) -> (Info, &'static str) {
        let (transport, attachment) = (self.link.transport(), &self.link.target().attachment);
        let identify = || transport.identify(attachment).unwrap_or_default();
        let identity = self.vendor_identity.get_or_insert_with(identify);
        without_oath::describe(attachment, transport.name(), identity, vendor)
    }

    /// Opens a device in a smart card reader and closes it. Sends no command to the token.
    pub(super) fn check_access(&self, progress: &dyn Progress) -> Result<(), Error> {
        Ok(self.link.check(progress).inspect_err(|error| self.notice_denial(error))?)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.activity.ended();
    }
}
