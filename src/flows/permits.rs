//! The check whether a caller may use a credential, as soon as it is known.

use std::fmt;
use std::sync::Arc;

use super::Error;
use crate::registry::Found;

/// Whether the caller may use a credential. Rules of the configuration may name credentials, and a call need not. The
/// administrator's policy may require a touch, which only the token tells.
#[derive(Clone)]
pub struct Permits(Arc<Check>);

type Check = dyn Fn(&Found) -> Result<(), Error> + Send + Sync;

impl Permits {
    /// Permits the credentials for which `may_use` has no error.
    pub fn new(may_use: impl Fn(&Found) -> Result<(), Error> + Send + Sync + 'static) -> Self {
        Self(Arc::new(may_use))
    }

    /// Permits every credential.
    pub fn all() -> Self {
        Self::new(|_| Ok(()))
    }

    /// Checks a credential.
    pub(super) fn check(&self, found: &Found) -> Result<(), Error> {
        (self.0)(found)
    }
}

impl fmt::Debug for Permits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Permits(..)")
    }
}
