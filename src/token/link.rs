//! The link to a device: one transaction for each request.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::activity::Activity;
use super::families::{self, Family};
use super::target::Target;
use crate::device::{self, Channel, Opened, Progress, Transport};
use crate::oath::{Error, OathSession};

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
}

/// The link to a device. The device is closed between two requests.
pub(super) struct Link {
    transport: Arc<dyn Transport>,
    target: Target,
    activity: Arc<Activity>,
}

impl Link {
    pub(super) fn new(transport: Arc<dyn Transport>, target: Target, activity: Arc<Activity>) -> Self {
        Self { transport, target, activity }
    }

    pub(super) fn transport(&self) -> &dyn Transport {
        &*self.transport
    }

    pub(super) fn target(&self) -> &Target {
        &self.target
    }

    /// Runs `work` in a session, which is one transaction. Repeats it if another program resets the card.
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
            let result = self.open(progress).map_err(Error::Device).and_then(|opened| {
                self.transact(opened, |family, session| {
                    begun = true;
                    work(family, session)
                })
            });
            self.activity.transaction_ended();
            match result {
                Err(Error::Device(error))
                    if error.is_reset()
                        && attempts < TRANSACTION_ATTEMPTS
                        && (repeat == Repeat::Always || !begun) => {}
                result => return result,
            }
        }
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
                families::in_session(&self.target, Channel::Apdu(&mut *transaction), work)
            }
            Opened::Reports(mut reports) => {
                self.activity.transaction_begun();
                families::in_session(&self.target, Channel::Reports(&mut *reports), work)
            }
        }
    }

    /// Opens the device. Waits up to 2 s while another program holds it exclusively.
    fn open(&self, progress: &dyn Progress) -> Result<Opened, device::Error> {
        for _ in 0..OPEN_ATTEMPTS {
            match self.transport.open(&self.target.attachment.id) {
                Err(device::Error::Busy) if !progress.is_cancelled() => thread::sleep(OPEN_INTERVAL),
                result => return result,
            }
        }
        Err(device::Error::Busy)
    }
}
