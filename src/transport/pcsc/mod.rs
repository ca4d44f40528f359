//! Cards and keys behind the smart card service.
//!
//! A guest's manners: shared connections only, nothing is reset, no reader is polled, and what the service
//! does (die, restart, refuse) is a state rather than the end.

mod card;
mod error;
#[cfg(feature = "yubikey")]
mod identity;
mod monitor;
mod present;
mod readers;
mod socket;
mod stop;
mod turn;

use std::ffi::CString;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ::pcsc::{Context, Protocols, Scope, ShareMode};
use tokio::sync::mpsc::UnboundedSender;

use self::card::PcscDevice;
use self::error::from_pcsc;
use self::monitor::Monitor;
#[cfg(feature = "yubikey")]
use crate::device::Identity;
use crate::device::{DeviceId, Error, Opened, Presence, Transport};

/// What we speak: everything but raw.
const PROTOCOLS: Protocols = Protocols::T0.union(Protocols::T1);

/// All readers of the smart card service, minus those that are to be left alone.
pub struct PcscTransport {
    monitor: Monitor,
    /// What the last report said.
    attached: Mutex<Vec<DeviceId>>,
}

impl PcscTransport {
    /// A transport that doesn't look at readers whose names contain one of `ignore_readers`.
    ///
    /// The service is found where libpcsclite looks: `PCSCLITE_CSOCK_NAME`, or `/run/pcscd/pcscd.comm`.
    pub fn new(ignore_readers: Vec<String>) -> Self {
        Self { monitor: Monitor::new(ignore_readers), attached: Mutex::default() }
    }

    fn check_attached(&self, device: &DeviceId) -> Result<(), Error> {
        if self.attached().contains(device) { Ok(()) } else { Err(Error::Removed) }
    }

    fn attached(&self) -> MutexGuard<'_, Vec<DeviceId>> {
        self.attached.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Transport for PcscTransport {
    fn name(&self) -> &'static str {
        "pcsc"
    }

    fn watch(&self, reports: UnboundedSender<Presence>) {
        let mut last = None;
        self.monitor.run(&mut |presence| {
            if last.as_ref() == Some(&presence) {
                return true;
            }
            *self.attached() = presence.devices.iter().map(|device| device.id.clone()).collect();
            last = Some(presence.clone());
            reports.send(presence).is_ok()
        });
    }

    fn stop(&self) {
        self.monitor.stop();
    }

    /// Each open device has a context of its own, at 0.1 ms: a second call on a context that already blocks,
    /// in a card that hangs, would make libpcsclite block every other call of this process.
    fn open(&self, device: &DeviceId) -> Result<Opened, Error> {
        self.check_attached(device)?;
        let reader = CString::new(device.name.as_str()).map_err(|_| Error::Removed)?;
        let _turn = turn::take();
        let context = Context::establish(Scope::User).map_err(from_pcsc)?;
        let card = context.connect(&reader, ShareMode::Shared, PROTOCOLS).map_err(from_pcsc)?;
        Ok(Opened::Apdu(Box::new(PcscDevice::new(card, device.name.clone()))))
    }

    #[cfg(feature = "yubikey")]
    fn identify(&self, device: &DeviceId) -> Option<Identity> {
        self.check_attached(device).ok()?;
        let _turn = turn::take();
        identity::read(&device.name)
    }
}
