//! The reason why the record is not usable.

use crate::state_file;

/// The reason why the record is not usable. The file is not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// Its file is not usable.
    #[error("the single-use record is not usable ({0})")]
    Record(#[from] state_file::Error),
    /// The system provides no random numbers.
    #[error("the system provides no random numbers")]
    NoRandomness,
}
