//! A pool of PC/SC contexts. A new context costs a thread in pcscd and three messages to it, which is a third of the
//! duration of a request for a code on a fast card.
//!
//! Each open device has its own context. If a call blocks in a card that hangs, a second call on the same context makes
//! libpcsclite block all other calls of the process.

use std::collections::HashMap;
use std::ffi::CStr;
use std::sync::{Arc, Mutex, MutexGuard};

use pcsc::{Card, Context, Error, Scope, ShareMode};

use super::PROTOCOLS;
use super::error::service_is_gone;
use crate::device::DeviceId;
use crate::sync::IgnorePoison;

/// The idle contexts: at most one for each device.
#[derive(Default)]
pub(super) struct Contexts(Mutex<HashMap<DeviceId, Idle>>);

/// An idle context, and what is known of the card in its reader.
struct Idle {
    context: Context,
    is_t0: Option<bool>,
}

/// The context of an open device.
pub(super) struct Lease {
    pub(super) device: DeviceId,
    pub(super) context: Context,
    /// Whether the card uses the protocol T=0, if a card at this place answered with it before. Each question costs four
    /// messages to the service, which is as much as a command.
    pub(super) is_t0: Option<bool>,
    pub(super) contexts: Arc<Contexts>,
}

impl Lease {
    /// Returns the context to the pool. The caller holds the connect lock and has disconnected the card.
    pub(super) fn give_back(self) {
        self.contexts.put(self.device, Idle { context: self.context, is_t0: self.is_t0 });
    }
}

impl Contexts {
    /// Connects to the card of a device, with an idle context if one is usable. The caller holds the connect lock.
    pub(super) fn connect(
        self: &Arc<Self>,
        device: &DeviceId,
        reader: &CStr,
    ) -> Result<(Card, Lease), Error> {
        let contexts = Arc::clone(self);
        let lease = |context, is_t0| Lease { device: device.clone(), context, is_t0, contexts };
        if let Some(Idle { context, is_t0 }) = self.take(device) {
            match context.connect(reader, ShareMode::Shared, PROTOCOLS) {
                Ok(card) => return Ok((card, lease(context, is_t0))),
                // The service was restarted, which invalidates its earlier contexts.
                Err(error) if service_is_gone(error) => {}
                Err(error) => {
                    self.put(device.clone(), Idle { context, is_t0 });
                    return Err(error);
                }
            }
        }
        let context = Context::establish(Scope::User)?;
        let card = context.connect(reader, ShareMode::Shared, PROTOCOLS)?;
        Ok((card, lease(context, None)))
    }

    /// Stores an idle context for this device. The caller holds the connect lock.
    fn put(&self, device: DeviceId, idle: Idle) {
        self.idle().insert(device, idle);
    }

    /// Releases the idle contexts of all other devices. The caller holds the connect lock.
    pub(super) fn keep_only(&self, attached: &[DeviceId]) {
        self.idle().retain(|device, _| attached.contains(device));
    }

    fn take(&self, device: &DeviceId) -> Option<Idle> {
        self.idle().remove(device)
    }

    fn idle(&self) -> MutexGuard<'_, HashMap<DeviceId, Idle>> {
        self.0.lock().ignore_poison()
    }
}
