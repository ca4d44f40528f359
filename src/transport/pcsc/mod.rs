//! The transport of the smart card service: smart cards and USB tokens.
//!
//! It does not disturb other programs: connections are shared, cards are not reset, and readers are not polled. If the
//! service stops, restarts or refuses access, the transport reports a [`Problem`](crate::device::Problem) and goes on.

mod card;
mod card_status;
mod connect_lock;
mod contexts;
mod denials;
mod error;
mod identity;
mod insertions;
mod monitor;
mod open_readers;
mod places;
mod service;
mod socket;
mod t0;
mod watcher;

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::sync::{Arc, Mutex, MutexGuard};

use ::pcsc::Protocols;

use self::card::PcscDevice;
use self::contexts::Contexts;
use self::monitor::Monitor;
use self::open_readers::OpenReaders;
use crate::device::{Attachment, DeviceId, Error, Identity, Opened, Presence, Transport};
use crate::sync::IgnorePoison;
use crate::transport::changes;

/// The protocols for connections: all except raw.
const PROTOCOLS: Protocols = Protocols::T0.union(Protocols::T1);

/// The readers of the smart card service, except the ignored ones.
pub struct PcscTransport {
    monitor: Monitor,
    /// The devices in the last report.
    attached: Mutex<Vec<DeviceId>>,
    open: OpenReaders,
    contexts: Arc<Contexts>,
}

impl PcscTransport {
    /// A transport that ignores readers whose names contain one of `ignore_readers`.
    ///
    /// libpcsclite finds the service at the path in `PCSCLITE_CSOCK_NAME`, or at `/run/pcscd/pcscd.comm`.
    pub fn new(ignore_readers: Vec<String>) -> Self {
        let (monitor, open) = (Monitor::new(ignore_readers), OpenReaders::default());
        Self { monitor, attached: Mutex::default(), open, contexts: Arc::default() }
    }

    /// Connects to the card of a device, with the idle context of this device if there is one.
    fn connect(&self, device: &DeviceId) -> Result<PcscDevice, Error> {
        if !self.attached().contains(device) {
            return Err(Error::Removed);
        }
        let name = CString::new(device.name.as_bytes()).map_err(|_| Error::Removed)?;
        let reader = self.open.acquire(&device.name).ok_or(Error::Busy)?;
        let _lock = connect_lock::hold();
        self.contexts.keep_only(&self.attached());
        let (card, lease) = self.contexts.connect(device, &name)?;
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
        self.monitor.run(&mut changes(|presence| {
            *self.attached() = presence.devices.iter().map(|device| device.id.clone()).collect();
            report(presence)
        }));
    }

    fn rescan(&self) {
        self.monitor.rescan();
    }

    fn stop(&self) {
        self.monitor.stop();
    }

    fn open(&self, device: &DeviceId) -> Result<Opened, Error> {
        Ok(Opened::Apdu(Box::new(self.connect(device)?)))
    }

    fn identify(&self, device: &Attachment) -> Option<Identity> {
        let make = identity::yubikey(device)?;
        identity::read(&mut self.connect(&device.id).ok()?, make)
    }
}
