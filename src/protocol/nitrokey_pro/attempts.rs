//! The number of attempts at the PIN that a token was last known to have.

use std::sync::{Arc, Mutex};

use crate::sync::IgnorePoison;

/// The number for one insertion of a token; unknown until the PIN is used, because the token asks its smart card for the
/// number, and that disturbs other programs.
#[derive(Clone, Debug, Default)]
pub struct KnownAttempts(Arc<Mutex<Option<u8>>>);

impl KnownAttempts {
    pub(super) fn get(&self) -> Option<u8> {
        *self.0.lock().ignore_poison()
    }

    pub(super) fn set(&self, left: Option<u8>) {
        *self.0.lock().ignore_poison() = left;
    }
}
