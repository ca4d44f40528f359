//! The table of token families. Each row has a probe, which begins a session if the device speaks the protocol of the
//! family.
//!
//! A new family needs a folder in `crate::protocol` and a row in this table.

use crate::device::Channel;
use crate::oath::{Error, OathSession};
use crate::protocol::ykoath;

/// A family of tokens.
pub(super) struct Family {
    /// The first part of a token's id, and the `Family` property.
    pub(super) name: &'static str,
    /// Begins a session; [`Error::NoApplication`] if the device belongs to another family.
    probe: Probe,
}

type Probe = for<'c> fn(Channel<'c>) -> Result<Box<dyn OathSession + 'c>, Error>;

/// The families, in the order in which they are probed.
static FAMILIES: &[Family] = &[Family {
    name: "ykoath",
    probe: |channel| match channel {
        Channel::Apdu(transaction) => Ok(Box::new(ykoath::Session::select(transaction)?)),
        Channel::Reports(_) => Err(Error::NoApplication),
    },
}];

/// Runs `work` in a session of the first family whose probe accepts the device.
///
/// # Errors
///
/// [`Error::NoApplication`] if the device belongs to no family, and the errors of `work`.
pub(super) fn in_session<T>(
    mut channel: Channel<'_>,
    work: impl FnOnce(&'static Family, &mut dyn OathSession) -> Result<T, Error>,
) -> Result<T, Error> {
    for family in FAMILIES {
        match (family.probe)(channel.reborrow()) {
            Ok(mut session) => return work(family, &mut *session),
            Err(Error::NoApplication) => {}
            Err(error) => return Err(error),
        }
    }
    Err(Error::NoApplication)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::device::{self, Reports};

    struct Keyboard;

    impl Reports for Keyboard {
        fn send(&mut self, _report: &[u8]) -> Result<(), device::Error> {
            panic!("no family speaks reports, so nothing may be sent");
        }

        fn receive(&mut self, _report: &mut [u8], _timeout: Duration) -> Result<usize, device::Error> {
            panic!("no family speaks reports, so nothing may be awaited");
        }
    }

    #[test]
    fn a_device_of_no_family_is_sent_nothing() {
        let result = in_session(Channel::Reports(&mut Keyboard), |family, _| Ok(family.name));
        assert_eq!(result, Err(Error::NoApplication));
    }
}
