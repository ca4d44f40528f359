//! What the simulated user, and other programs, do with a virtual Token2 key.

use super::fido_side::FidoSide;
use super::token2_hid::Token2Fault;
use super::virtual_token::VirtualToken;

impl VirtualToken {
    /// Adds a fault for the next command over HID to a Token2 key; a second fault applies to the command after it.
    pub fn fail_next_token2(&self, fault: Token2Fault) {
        self.shared.change(|state| {
            if let Some(FidoSide::Token2(key)) = &mut state.fido {
                key.faults.push_back(fault);
            }
        });
    }

    /// Makes a Token2 key report no serial number from now on, as firmware without that command does.
    pub fn hide_token2_serial(&self) {
        self.shared.change(|state| state.applet.hide_token2_serial());
    }

    /// Whether the token is a Token2 key.
    pub(super) fn is_token2(&self) -> bool {
        matches!(self.shared.lock().fido, Some(FidoSide::Token2(_)))
    }

    /// Sets a PIN of a Token2 key with so many attempts left, or removes it, as another program does.
    pub fn set_token2_pin(&self, attempts: Option<u8>) {
        self.shared.change(|state| state.applet.set_token2_attempts(attempts));
    }
}
