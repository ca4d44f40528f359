//! A pool of PC/SC contexts. A new context costs a thread in pcscd and three messages to it, which is a third of the
//! duration of a request for a code on a fast card.
//!
//! Each open device has its own context. If a call blocks in a card that hangs, a second call on the same context makes
//! libpcsclite block all other calls of the process.

use std::collections::HashMap;
use std::ffi::CStr;
use std::sync::{Arc, Mutex, MutexGuard};

use pcsc::{Card, Context, Scope, ShareMode};

use super::card_status::CardStatus;
use super::error::{from_pcsc, refusal, service_is_gone};
use super::{PROTOCOLS, socket};
use crate::device::{DeviceId, Error};
use crate::sync::IgnorePoison;

/// The idle contexts: at most one for each device.
#[derive(Default)]
pub(super) struct Contexts(Mutex<HashMap<DeviceId, Idle>>);

/// An idle context, and what is known of the card in its reader.
struct Idle {
    context: Context,
    status: Option<CardStatus>,
}

/// The context of an open device.
pub(super) struct Lease {
    pub(super) device: DeviceId,
    pub(super) context: Context,
    /// What is known of the card, from its insertion on.
    pub(super) status: Option<CardStatus>,
    pub(super) contexts: Arc<Contexts>,
}

impl Lease {
    /// Returns the context to the pool. The caller holds the connect lock and has disconnected the card.
    pub(super) fn give_back(self) {
        self.contexts.put(self.device, Idle { context: self.context, status: self.status });
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
        let lease = |context, status| Lease { device: device.clone(), context, status, contexts };
        let connect = |context: &Context| context.connect(reader, ShareMode::Shared, PROTOCOLS);
        if let Some(Idle { context, status }) = self.take(device) {
            match connect(&context) {
                Ok(card) => return Ok((card, lease(context, status))),
                // The service was restarted, which invalidates its earlier contexts.
                Err(error) if service_is_gone(error) => {}
                Err(error) => {
                    self.put(device.clone(), Idle { context, status });
                    return Err(from_pcsc(error));
                }
            }
        }
        let context = Context::establish(Scope::User).map_err(|error| refusal(error, &socket::path()))?;
        let card = connect(&context).map_err(from_pcsc)?;
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
