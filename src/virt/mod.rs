//! The virtual token: a YubiKey made of software, for the demo, for developers without a token, and for tests.
//!
//! * [`Applet`] is pure: a command APDU in, an answer out, no clock, no thread, no randomness.
//! * [`Card`] puts it into a world with a person who plugs, unplugs and touches, and with faults.
//! * [`VirtualTransport`] offers cards through [`crate::device::Transport`], as real readers do.
//! * [`TokenSpec`] says what is on a token, from a TOML file or [`TokenSpec::demo`].
//!
//! It is no security device: its salts and challenges repeat from run to run, so that ids are stable
//! and tests are exact, and its seeds lie in a file.

mod apdu;
mod applet;
mod bell;
mod card;
mod command_log;
mod flavour;
mod identity;
mod oath;
mod session;
mod spec;
mod status;
mod transport;

pub use applet::{Applet, Outcome, Pending, Touch};
pub use card::{Card, Fault};
pub use command_log::Header;
pub use session::Session;
pub use spec::{CredentialSpec, Firmware, InvalidFirmware, Kind, SpecError, TokenSpec, TouchPolicy, parse};
pub use transport::VirtualTransport;
