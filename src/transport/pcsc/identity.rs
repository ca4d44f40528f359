//! Serial number and firmware of a YubiKey, through its PIV application.
//!
//! The yubikey crate knows the ways in which the models tell them. It logs through `log`, which nobody
//! listens to here.

use pcsc::Disposition;
use yubikey::reader::Context;

use crate::device::Identity;

/// `None` for readers of another make, and when anything goes wrong (PIV switched off is one such case).
///
/// Selects the PIV application, so that other programs' selections are lost.
pub(super) fn read(reader: &str) -> Option<Identity> {
    if !reader.to_lowercase().contains("yubi") {
        return None;
    }
    let mut context = Context::open().ok()?;
    let yubikey = context.iter().ok()?.find(|candidate| candidate.name() == reader)?.open().ok()?;
    let identity = Identity {
        serial: Some(yubikey.serial().to_string()),
        firmware: Some(yubikey.version().to_string()),
    };
    if let Err((yubikey, error)) = yubikey.disconnect(Disposition::LeaveCard) {
        // Dropping it would reset the card.
        tracing::warn!(%error, "a YubiKey could not be disconnected");
        std::mem::forget(yubikey);
    }
    Some(identity)
}

#[cfg(test)]
mod tests {
    #[test]
    fn other_readers_are_not_touched() {
        assert_eq!(super::read("Nitrokey 3 [CCID/ICCD Interface] 00 00"), None);
    }
}
