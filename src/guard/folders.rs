//! The folders of the record.

use std::path::PathBuf;

/// The folders of the record.
#[derive(Clone, Debug)]
pub struct Folders {
    /// The folder of the record, which lasts.
    pub state: PathBuf,
    /// The folder of the second copy, which may end with the session. Without it there is no second copy.
    pub runtime: Option<PathBuf>,
}

impl From<PathBuf> for Folders {
    /// Without a second copy.
    fn from(state: PathBuf) -> Self {
        Self { state, runtime: None }
    }
}
