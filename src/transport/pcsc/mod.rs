//! Cards and keys behind the smart card service.
//!
//! A guest's manners: shared connections only, nothing is reset, no reader is polled, and what the service
//! does (die, restart, refuse) is a state rather than the end.

mod card;
mod connect_lock;
mod error;
mod identity;
mod insertions;
mod interrupt;
mod monitor;
mod open_readers;
mod service;
mod socket;
mod watcher;

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ::pcsc::{Context, Protocols, Scope, ShareMode};

use self::card::PcscDevice;
use self::error::from_pcsc;
use self::monitor::Monitor;
use self::open_readers::OpenReaders;
use crate::device::{DeviceId, Error, Identity, Opened, Presence, Transport};

/// What we speak: everything but raw.
const PROTOCOLS: Protocols = Protocols::T0.union(Protocols::T1);

/// All readers of the smart card service, minus those that are to be left alone.
pub struct PcscTransport {
    monitor: Monitor,
    /// What the last report said.
    attached: Mutex<Vec<DeviceId>>,
    open: OpenReaders,
}

impl PcscTransport {
    /// A transport that doesn't look at readers whose names contain one of `ignore_readers`.
    ///
    /// The service is found where libpcsclite looks: `PCSCLITE_CSOCK_NAME`, or `/run/pcscd/pcscd.comm`.
    pub fn new(ignore_readers: Vec<String>) -> Self {
        let monitor = Monitor::new(ignore_readers);
        Self { monitor, attached: Mutex::default(), open: OpenReaders::default() }
    }

    /// Each open device has a context of its own, at 0.1 ms: a second call on a context that already blocks,
    /// in a card that hangs, would make libpcsclite block every other call of this process.
    fn connect(&self, device: &DeviceId) -> Result<PcscDevice, Error> {
        if !self.attached().contains(device) {
            return Err(Error::Removed);
        }
        let name = CString::new(device.name.as_bytes()).map_err(|_| Error::Removed)?;
        let reader = self.open.enter(&device.name).ok_or(Error::Busy)?;
        let _lock = connect_lock::hold();
        let context = Context::establish(Scope::User).map_err(from_pcsc)?;
        let card = context.connect(&name, ShareMode::Shared, PROTOCOLS).map_err(from_pcsc)?;
        Ok(PcscDevice::new(card, reader))
    }

    fn attached(&self) -> MutexGuard<'_, Vec<DeviceId>> {
        self.attached.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Transport for PcscTransport {
    fn name(&self) -> &'static str {
        "pcsc"
    }

    fn watch(&self, report: &mut dyn FnMut(Presence) -> bool) {
        let mut last = None;
        self.monitor.run(&mut |presence| {
            if last.as_ref() == Some(&presence) {
                return true;
            }
            *self.attached() = presence.devices.iter().map(|device| device.id.clone()).collect();
            last = Some(presence.clone());
            report(presence)
        });
    }

    fn look_again(&self) {
        self.monitor.look_again();
    }

    fn stop(&self) {
        self.monitor.stop();
    }

    fn open(&self, device: &DeviceId) -> Result<Opened, Error> {
        Ok(Opened::Apdu(Box::new(self.connect(device)?)))
    }

    fn identify(&self, device: &DeviceId) -> Option<Identity> {
        if !identity::is_yubikey(&device.name) {
            return None;
        }
        identity::read(&mut self.connect(device).ok()?)
    }
}
