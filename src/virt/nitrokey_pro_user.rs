//! What the simulated user, and other programs, do with a virtual Nitrokey Pro.

use std::sync::Arc;
use std::time::Duration;

use super::nitrokey_pro::{NitrokeyProFault, NitrokeyProKey};
use super::nitrokey_pro_interface::NitrokeyProInterface;
use super::virtual_token::VirtualToken;
use crate::secret::SecretText;
use crate::sync::IgnorePoison;

impl VirtualToken {
    /// Adds a fault for the next request to a Nitrokey Pro; a second fault applies to the request after it.
    pub fn fail_next_nitrokey_pro(&self, fault: NitrokeyProFault) {
        self.change_pro(|key| key.faults.push_back(fault));
    }

    /// The commands that a Nitrokey Pro received, oldest first.
    pub fn nitrokey_pro_commands(&self) -> Vec<u8> {
        self.shared.lock().nitrokey_pro.as_ref().map(|key| key.commands.clone()).unwrap_or_default()
    }

    /// The number of requests that a Nitrokey Pro received, also of those with a fault.
    pub fn nitrokey_pro_requests(&self) -> usize {
        self.shared.lock().nitrokey_pro.as_ref().map_or(0, |key| key.requests)
    }

    /// Waits until a Nitrokey Pro has received so many requests in all; `false` after `timeout`.
    pub fn wait_for_nitrokey_pro_requests(&self, received: usize, timeout: Duration) -> bool {
        let holds = |key: &Option<NitrokeyProKey>| key.as_ref().is_some_and(|key| key.requests >= received);
        let state = self.shared.lock();
        let changed = &self.shared.changed;
        let waiting = changed.wait_timeout_while(state, timeout, |state| !holds(&state.nitrokey_pro));
        holds(&waiting.ignore_poison().0.nitrokey_pro)
    }

    /// Makes a Nitrokey Pro a Nitrokey Storage with firmware 0.54: it has no serial number in its status, and a second status
    /// with that of its volumes, where the vendor's programs look for the firmware version.
    pub fn become_nitrokey_storage(&self) {
        self.change_pro(|key| key.application().become_storage());
    }

    /// Gives a Nitrokey Pro this Unix time, as another program does.
    pub fn set_nitrokey_pro_clock(&self, time: Duration) {
        self.change_pro(|key| key.application().set_clock(time));
    }

    /// Sets another PIN of a Nitrokey Pro, as another program does. All attempts are then left.
    pub fn change_nitrokey_pro_pin(&self, pin: &SecretText) {
        self.change_pro(|key| key.application().change_pin(pin));
    }

    /// Takes the smart card of a Nitrokey Pro away, or gives it back.
    pub fn set_nitrokey_pro_card_away(&self, is_away: bool) {
        self.change_pro(|key| key.application().set_card_away(is_away));
    }

    /// Gives a slot of a Nitrokey Pro another name, as another program does. `number` is that of requests.
    pub fn rename_nitrokey_pro_slot(&self, number: u8, name: &str) {
        self.change_pro(|key| key.application().rename(number, name));
    }

    /// The interface of a Nitrokey Pro, valid for this insertion; `None` if the token is not plugged in or is none.
    pub fn nitrokey_pro(&self) -> Option<NitrokeyProInterface> {
        let insertion = self.insertion().filter(|_| self.is_nitrokey_pro())?;
        Some(NitrokeyProInterface::new(Arc::clone(&self.shared), insertion))
    }

    /// Whether the token is a Nitrokey Pro.
    pub(super) fn is_nitrokey_pro(&self) -> bool {
        self.shared.lock().nitrokey_pro.is_some()
    }

    fn change_pro(&self, edit: impl FnOnce(&mut NitrokeyProKey)) {
        self.shared.change(|state| {
            if let Some(key) = &mut state.nitrokey_pro {
                edit(key);
            }
        });
    }
}
