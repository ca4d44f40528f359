//! Contexts of the smart card service that requests use again. A new one costs the service a thread and a request three
//! exchanges with it: a third of the time that a code takes on a fast card.
//!
//! Each open device has a context of its own: a second call on a context that already blocks, in a card that hangs, would
//! make libpcsclite block every other call of this process.

use std::collections::HashMap;
use std::ffi::CStr;
use std::sync::{Arc, Mutex, MutexGuard};

use pcsc::{Card, Context, Error, Scope, ShareMode};

use super::PROTOCOLS;
use super::error::service_is_gone;
use crate::device::DeviceId;
use crate::sync::IgnorePoison;

/// The contexts that no request uses at the moment: at most one for each device.
#[derive(Default)]
pub(super) struct Contexts(Mutex<HashMap<DeviceId, Context>>);

/// The context of an open device.
pub(super) struct Lease {
    pub(super) device: DeviceId,
    pub(super) context: Context,
    pub(super) contexts: Arc<Contexts>,
}

impl Lease {
    /// Keeps the context for the next request. The caller holds the connect lock, and has disconnected from the card.
    pub(super) fn give_back(self) {
        self.contexts.put(self.device, self.context);
    }
}

impl Contexts {
    /// Connects to a device's card, through the context of an earlier request if there is one that still works. The caller
    /// holds the connect lock.
    pub(super) fn connect(&self, device: &DeviceId, reader: &CStr) -> Result<(Context, Card), Error> {
        if let Some(context) = self.take(device) {
            match context.connect(reader, ShareMode::Shared, PROTOCOLS) {
                Ok(card) => return Ok((context, card)),
                // The service was restarted: its old contexts are dead.
                Err(error) if service_is_gone(error) => {}
                Err(error) => {
                    self.put(device.clone(), context);
                    return Err(error);
                }
            }
        }
        let context = Context::establish(Scope::User)?;
        let card = context.connect(reader, ShareMode::Shared, PROTOCOLS)?;
        Ok((context, card))
    }

    /// Keeps a context for the next request to this device. The caller holds the connect lock.
    fn put(&self, device: DeviceId, context: Context) {
        self.idle().insert(device, context);
    }

    /// Releases the contexts of all devices but these. The caller holds the connect lock.
    pub(super) fn keep_only(&self, attached: &[DeviceId]) {
        self.idle().retain(|device, _| attached.contains(device));
    }

    fn take(&self, device: &DeviceId) -> Option<Context> {
        self.idle().remove(device)
    }

    fn idle(&self) -> MutexGuard<'_, HashMap<DeviceId, Context>> {
        self.0.lock().ignore_poison()
    }
}
