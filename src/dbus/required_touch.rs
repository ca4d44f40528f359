//! `require_touch` of the administrator's policy.

use super::error;
use crate::config::Access;
use crate::flows::Error;
use crate::oath::Touch;
use crate::registry::Found;

/// Checks whether codes of a credential may be used. A touch that the token does not tell counts as none.
///
/// # Errors
///
/// `NoTouch`.
pub(super) fn check_touch(access: &Access, found: &Found) -> Result<(), Error> {
    match found.credential.touch {
        Touch::Yes => Ok(()),
        Touch::No | Touch::Unknown if !access.policy.require_touch => Ok(()),
        Touch::No | Touch::Unknown => Err(Error::NoTouch),
    }
}

/// The sentence of the refusal, which is the same for each credential that requires no touch.
pub(crate) fn sentence() -> String {
    error::Error::from(Error::NoTouch).sentence().to_owned()
}
