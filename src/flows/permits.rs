//! The check whether a caller may use a credential, for calls that do not name one.

use std::fmt;
use std::sync::Arc;

use super::Error;
use crate::oath::ObjectId;

/// Whether the caller of a submission may use a credential. Rules of the configuration may name credentials, and a call
/// need not.
#[derive(Clone)]
pub struct Permits(Arc<dyn Fn(&ObjectId) -> bool + Send + Sync>);

impl Permits {
    /// Permits the credentials for which `may_use` is true.
    pub fn new(may_use: impl Fn(&ObjectId) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(may_use))
    }

    /// Permits every credential.
    pub fn all() -> Self {
        Self::new(|_| true)
    }

    /// Checks a credential.
    pub(super) fn check(&self, credential: &ObjectId) -> Result<(), Error> {
        if (self.0)(credential) { Ok(()) } else { Err(Error::Forbidden) }
    }
}

impl fmt::Debug for Permits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Permits(..)")
    }
}
