//! The link to a device: one transaction for each request.

use std::sync::{Arc, Mutex, MutexGuard, TryLockError};
use std::thread;
use std::time::Duration;

use super::activity::Activity;
use super::families::{self, Family};
use super::observed::Observed;
use super::target::Target;
use super::without_oath;
use crate::device::{self, Channel, Opened, Progress, Transport};
use crate::oath::{Error, OathSession, SelfDescription};

/// The number of attempts to open a device that another program holds exclusively, and their interval.
const OPEN_ATTEMPTS: u32 = 20;
const OPEN_INTERVAL: Duration = Duration::from_millis(100);

/// The maximum number of attempts at a transaction during which another program resets the card.
const TRANSACTION_ATTEMPTS: u32 = 3;

/// Whether a transaction may be repeated after another program has reset the card.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeat {
    Always,
    /// Only if no session had begun, because the work in a session may have had an effect.
    UntilBegun,
    /// As [`Repeat::Always`], but without a wait for another program that holds the device exclusively.
    IfFree,
}

/// The link to a device. The device is closed between two requests.
pub(super) struct Link {
    transport: Arc<dyn Transport>,
    target: Target,
    activity: Arc<Activity>,
    /// The lock that all devices of the token share; unknown until the token is.
    turn: Option<Arc<Mutex<()>>>,
    /// The family of the token, and what it said of itself when it was introduced.
    introduced: Option<(&'static Family, SelfDescription)>,
}

impl Link {
    pub(super) fn new(transport: Arc<dyn Transport>, target: Target, activity: Arc<Activity>) -> Self {
        Self { transport, target, activity, turn: None, introduced: None }
    }

    pub(super) fn transport(&self) -> &dyn Transport {
        &*self.transport
    }

    pub(super) fn target(&self) -> &Target {
        &self.target
    }

    /// Lets the devices of one token take turns: a session on one of them would disturb a session on another one.
    pub(super) fn share(&mut self, turn: Arc<Mutex<()>>) {
        self.turn = Some(turn);
    }

    /// From now on a session with another token than this one fails.
    pub(super) fn expect(&mut self, family: &'static Family, description: SelfDescription) {
        self.introduced = Some((family, description));
    }

    /// A reader may hold another card than before without an event, for example after a suspend.
    fn check_token(&self, family: &Family, session: &dyn OathSession) -> Result<(), Error> {
        let Some((expected, introduced)) = &self.introduced else { return Ok(()) };
        let is_other = expected.name != family.name || introduced.is_of_other_token(&session.description());
        if is_other { Err(Error::OtherToken) } else { Ok(()) }
    }

    /// Whether it is a card in a reader that was not introduced as a token.
    pub(super) fn is_unknown_card(&self) -> bool {
        self.introduced.is_none() && self.target.attachment.reader.is_some()
    }

    /// The same for a card without any application of a family.
    fn check_absence(&self, error: Error) -> Error {
        let is_expected = self.introduced.is_some() && self.target.attachment.reader.is_some();
        if is_expected && error == Error::NoApplication { Error::OtherToken } else { error }
    }

    /// Runs `work` in a session, which is one transaction. Repeats it if another program resets the card.
    ///
    /// # Errors
    ///
    /// [`Error::OtherToken`] if another token than the expected one answers, and those of `work`.
    pub(super) fn in_session<T>(
        &self,
        repeat: Repeat,
        progress: &dyn Progress,
        mut work: impl FnMut(&'static Family, &mut dyn OathSession) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut attempts = 0;
        loop {
            attempts += 1;
            let mut begun = false;
            let opened = self.take_turn(progress).and_then(|turn| Ok((turn, self.open(repeat, progress)?)));
            let result = opened.map_err(Error::Device).and_then(|(_turn, opened)| {
                self.transact(opened, |family, session| {
                    self.check_token(family, session)?;
                    begun = true;
                    work(family, session)
                })
            });
            self.activity.transaction_ended();
            match result {
                Err(Error::Device(error))
                    if error.is_reset()
                        && attempts < TRANSACTION_ATTEMPTS
                        && (repeat != Repeat::UntilBegun || !begun) => {}
                result => return result.map_err(|error| self.check_absence(error)),
            }
        }
    }

    /// Opens a device in a smart card reader, and closes it without a transaction.
    pub(super) fn check(&self, progress: &dyn Progress) -> Result<(), Error> {
        if self.target.attachment.reader.is_none() {
            return Ok(());
        }
        let _turn = self.take_turn(progress).map_err(Error::Device)?;
        self.transport.open(&self.target.attachment.id).map(drop).map_err(Error::Device)
    }

    fn transact<T>(
        &self,
        opened: Opened,
        work: impl FnOnce(&'static Family, &mut dyn OathSession) -> Result<T, Error>,
    ) -> Result<T, Error> {
        match opened {
            Opened::Apdu(mut device) => {
                let mut transaction = device.transaction()?;
                self.activity.transaction_begun();
                let mut observed = Observed { channel: &mut *transaction, activity: &self.activity };
                // A session selects its application again, so its work may fail with these errors as well.
                let mut is_found = false;
                let work = |family, session: &mut dyn OathSession| {
                    is_found = true;
                    work(family, session)
                };
                let result = families::in_session(&self.target, Channel::Apdu(&mut observed), work);
                match result {
                    Err(error @ (Error::NoApplication | Error::NotSelected(_)))
                        if self.is_unknown_card() && !is_found =>
                    {
                        Err(without_oath::cause(&mut observed, &self.target.attachment.atr, error))
                    }
                    result => result,
                }
            }
            Opened::Reports(mut reports) => {
                self.activity.transaction_begun();
                let mut observed = Observed { channel: &mut *reports, activity: &self.activity };
                families::in_session(&self.target, Channel::Reports(&mut observed), work)
            }
        }
    }

    /// Waits up to 2 s for the session of another device of the token.
    fn take_turn(&self, progress: &dyn Progress) -> Result<Option<MutexGuard<'_, ()>>, device::Error> {
        let Some(turn) = &self.turn else { return Ok(None) };
        for _ in 0..OPEN_ATTEMPTS {
            match turn.try_lock() {
                Ok(guard) => return Ok(Some(guard)),
                Err(TryLockError::Poisoned(poisoned)) => return Ok(Some(poisoned.into_inner())),
                Err(TryLockError::WouldBlock) if progress.is_cancelled() => break,
                Err(TryLockError::WouldBlock) => thread::sleep(OPEN_INTERVAL),
            }
        }
        Err(device::Error::Busy)
    }

    /// Opens the device. Waits up to 2 s while another program holds it exclusively, except for [`Repeat::IfFree`].
    fn open(&self, repeat: Repeat, progress: &dyn Progress) -> Result<Opened, device::Error> {
        let waits = || repeat != Repeat::IfFree && !progress.is_cancelled();
        for _ in 0..OPEN_ATTEMPTS {
            match self.transport.open(&self.target.attachment.id) {
                Err(device::Error::Busy) if waits() => thread::sleep(OPEN_INTERVAL),
                result => return result,
            }
        }
        Err(device::Error::Busy)
    }
}
