//! Cards and keys behind the smart card service.
//!
//! A guest's manners: shared connections only, nothing is reset, no reader is polled, and what the service
//! does (die, restart, refuse) is a state rather than the end.

mod card;
mod connect_lock;
mod contexts;
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
use std::sync::{Arc, Mutex, MutexGuard};

use ::pcsc::Protocols;

use self::card::PcscDevice;
use self::contexts::{Contexts, Lease};
use self::error::from_pcsc;
use self::monitor::Monitor;
use self::open_readers::OpenReaders;
use crate::device::{DeviceId, Error, Identity, Opened, Presence, Transport};
use crate::sync::IgnorePoison;

/// What we speak: everything but raw.
const PROTOCOLS: Protocols = Protocols::T0.union(Protocols::T1);

/// All readers of the smart card service, minus those that are to be left alone.
pub struct PcscTransport {
    monitor: Monitor,
    /// What the last report said.
    attached: Mutex<Vec<DeviceId>>,
    open: OpenReaders,
    contexts: Arc<Contexts>,
}

impl PcscTransport {
    /// A transport that doesn't look at readers whose names contain one of `ignore_readers`.
    ///
    /// The service is found where libpcsclite looks: `PCSCLITE_CSOCK_NAME`, or `/run/pcscd/pcscd.comm`.
    pub fn new(ignore_readers: Vec<String>) -> Self {
        let (monitor, open) = (Monitor::new(ignore_readers), OpenReaders::default());
        Self { monitor, attached: Mutex::default(), open, contexts: Arc::default() }
    }

    /// Connects to the card of a device, through the context that this device used before if there is one.
    fn connect(&self, device: &DeviceId) -> Result<PcscDevice, Error> {
        if !self.attached().contains(device) {
            return Err(Error::Removed);
        }
        let name = CString::new(device.name.as_bytes()).map_err(|_| Error::Removed)?;
        let reader = self.open.enter(&device.name).ok_or(Error::Busy)?;
        let _lock = connect_lock::hold();
        self.contexts.keep_only(&self.attached());
        let (context, card) = self.contexts.connect(device, &name).map_err(from_pcsc)?;
        let lease = Lease { device: device.clone(), context, contexts: Arc::clone(&self.contexts) };
        Ok(PcscDevice::new(card, lease, reader))
    }

    fn attached(&self) -> MutexGuard<'_, Vec<DeviceId>> {
        self.attached.lock().ignore_poison()
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
