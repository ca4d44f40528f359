//! The interface between the application's commands and the two ways to the key.

use crate::device::Progress;
use crate::iso7816::{Command, Response};
use crate::oath::Error;

/// Whether the key may wait for a touch before it responds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// It responds at once.
    None,
    /// It may wait for a touch for 20 s.
    Touch,
}

/// A way to the application.
pub trait Carrier {
    /// Sends a command and returns its whole response; the status is never `61xx`. The command is sent once.
    ///
    /// # Errors
    ///
    /// [`Error::NoApplication`] if the device has no such application, [`Error::Device`], [`Error::NoAnswer`] or
    /// [`Error::Malformed`].
    fn exchange(&mut self, command: &Command, wait: Wait, progress: &dyn Progress)
    -> Result<Response, Error>;

    /// Whether the device may be of any kind, so that only its answers can prove that it has the application.
    fn needs_proof(&self) -> bool {
        false
    }

    /// Sends the command that reads the serial number, to another application if this one does not tell it.
    ///
    /// # Errors
    ///
    /// Those of [`Carrier::exchange`].
    fn read_serial(&mut self, command: &Command, progress: &dyn Progress) -> Result<Response, Error> {
        self.exchange(command, Wait::None, progress)
    }
}
