//! A pool of PC/SC contexts. A new context costs a thread in pcscd and three messages to it, which is a third of the
//! duration of a request for a code on a fast card.
//!
//! Each open device has its own context. If a call blocks in a card that hangs, a second call on the same context makes
//! libpcsclite block all other calls of the process.

use std::collections::HashMap;
use std::ffi::CStr;
use std::sync::{Arc, Mutex, MutexGuard};

use pcsc::{Card, Context, Scope, ShareMode};

use super::error::{from_pcsc, refusal, service_is_gone};
use super::{PROTOCOLS, socket};
use crate::device::{DeviceId, Error};
use crate::sync::IgnorePoison;

/// The idle contexts: at most one for each device.
#[derive(Default)]
pub(super) struct Contexts(Mutex<HashMap<DeviceId, Context>>);

/// The context of an open device.
pub(super) struct Lease {
    pub(super) device: DeviceId,
    pub(super) context: Context,
    pub(super) contexts: Arc<Contexts>,
}

impl Lease {
    /// Returns the context to the pool. The caller holds the connect lock and has disconnected the card.
    pub(super) fn give_back(self) {
        self.contexts.put(self.device, self.context);
    }
}

impl Contexts {
    /// Connects to the card of a device, with an idle context if one is usable. The caller holds the connect lock.
    pub(super) fn connect(&self, device: &DeviceId, reader: &CStr) -> Result<(Context, Card), Error> {
        let connect = |context: &Context| context.connect(reader, ShareMode::Shared, PROTOCOLS);
        if let Some(context) = self.take(device) {
            match connect(&context) {
                Ok(card) => return Ok((context, card)),
                // The service was restarted, which invalidates its earlier contexts.
                Err(error) if service_is_gone(error) => {}
                Err(error) => {
                    self.put(device.clone(), context);
                    return Err(from_pcsc(error));
                }
            }
        }
        let context = Context::establish(Scope::User).map_err(|error| refusal(error, &socket::path()))?;
        let card = connect(&context).map_err(from_pcsc)?;
        Ok((context, card))
    }

    /// Stores an idle context for this device. The caller holds the connect lock.
    fn put(&self, device: DeviceId, context: Context) {
        self.idle().insert(device, context);
    }

    /// Releases the idle contexts of all other devices. The caller holds the connect lock.
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
