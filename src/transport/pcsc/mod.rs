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

use std::collections::BTreeMap;
use std::ffi::CString;

use std::sync::{Mutex, MutexGuard, PoisonError};

use ::pcsc::{Context, Protocols, Scope, ShareMode};

use self::card::PcscDevice;
use self::error::{from_pcsc, service_is_gone};
use self::monitor::Monitor;
#[cfg(feature = "yubikey")]
use tokio::sync::mpsc::UnboundedSender;

use crate::device::Identity;
use crate::device::{DeviceId, Error, Opened, Presence, Transport};

/// What we speak: everything but raw.
const PROTOCOLS: Protocols = Protocols::T0.union(Protocols::T1);

/// All readers of the smart card service, minus those that are to be left alone.
pub struct PcscTransport {
    monitor: Monitor,
    attached: Mutex<Attached>,
}

/// What the last report said, and the contexts of what was opened since.
#[derive(Default)]
struct Attached {
    devices: Vec<DeviceId>,
    /// One per insertion: calls on one context wait for each other, and a card that hangs must not make the
    /// others wait, nor the one that is plugged into its place.
    contexts: BTreeMap<DeviceId, Context>,
}

impl PcscTransport {
    /// A transport that doesn't look at readers whose names contain one of `ignore_readers`.
    ///
    /// The service is found where libpcsclite looks: `PCSCLITE_CSOCK_NAME`, or `/run/pcscd/pcscd.comm`.
    pub fn new(ignore_readers: Vec<String>) -> Self {
        Self { monitor: Monitor::new(ignore_readers), attached: Mutex::default() }
    }

    fn attached(&self) -> MutexGuard<'_, Attached> {
        self.attached.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes over a new report; contexts of what has gone end with it.
    fn remember(&self, presence: &Presence) {
        let devices: Vec<_> = presence.devices.iter().map(|device| device.id.clone()).collect();
        let contexts = {
            let mut attached = self.attached();
            let gone = attached.contexts.extract_if(.., |id, _| !devices.contains(id)).collect::<Vec<_>>();
            attached.devices = devices;
            gone
        };
        // Releasing a context talks to the service: not under the lock.
        drop(contexts);
    }

    fn check_attached(&self, device: &DeviceId) -> Result<(), Error> {
        if self.attached().devices.contains(device) { Ok(()) } else { Err(Error::Removed) }
    }

    fn context(&self, device: &DeviceId) -> Result<Context, Error> {
        self.check_attached(device)?;
        if let Some(context) = self.attached().contexts.get(device) {
            return Ok(context.clone());
        }
        let context = Context::establish(Scope::User).map_err(from_pcsc)?;
        let mut attached = self.attached();
        Ok(attached.contexts.entry(device.clone()).or_insert(context).clone())
    }

    fn forget(&self, device: &DeviceId) {
        let context = self.attached().contexts.remove(device);
        drop(context);
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
            self.remember(&presence);
            last = Some(presence.clone());
            reports.send(presence).is_ok()
        });
    }

    fn stop(&self) {
        self.monitor.stop();
    }

    fn open(&self, device: &DeviceId) -> Result<Opened, Error> {
        let reader = CString::new(device.name.as_str()).map_err(|_| Error::Removed)?;
        let context = self.context(device)?;
        match context.connect(&reader, ShareMode::Shared, PROTOCOLS) {
            Ok(card) => Ok(Opened::Apdu(Box::new(PcscDevice::new(card, device.name.clone())))),
            Err(error) => {
                if service_is_gone(error) {
                    self.forget(device);
                }
                Err(from_pcsc(error))
            }
        }
    }

    #[cfg(feature = "yubikey")]
    fn identify(&self, device: &DeviceId) -> Option<Identity> {
        self.check_attached(device).ok()?;
        identity::read(&device.name)
    }
}
