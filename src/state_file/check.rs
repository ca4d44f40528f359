//! Whether a state file can be replaced, before there is anything to write.

use super::{Content, Error, Folder, StateFile, encode, unwritable, write_durably};

impl StateFile {
    /// Reads the file, writes its content to another file of the folder, and removes that one. The permissions of the
    /// folder alone do not tell whether a write succeeds. Waits for the lock for at most 2 seconds.
    ///
    /// # Errors
    ///
    /// The [`Error`] that a replacement would have; the file is not changed.
    pub fn check<T: Content>(&self) -> Result<(), Error> {
        let folder = Folder::create(&self.directory)?;
        let _lock = self.lock(&folder)?;
        let content: T = self.read_in(&folder)?;
        let bytes = encode(&content).map_err(unwritable)?;
        let written = write_durably(&folder, &self.draft, &bytes);
        // Best effort, as after a replacement that failed.
        let _ = folder.remove(&self.draft);
        written.map_err(unwritable)
    }
}
