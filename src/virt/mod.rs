//! The virtual token: a simulated YubiKey or Nitrokey, for the demo, for developers without a token, and for tests.
//!
//! * [`Applet`] converts a command APDU to a response, without clock, thread or randomness.
//! * [`VirtualToken`] adds insertion and removal, a simulated user who touches the token, and faults.
//! * [`VirtualTransport`] offers the virtual tokens through [`crate::device::Transport`], like real readers.
//! * [`Keyboard`] is the keyboard interface of a token with slots for HMAC-SHA1 challenges.
//! * [`TokenSpec`] describes a token, from a TOML file or [`TokenSpec::demo`].
//!
//! It is not a security device: its salts and challenges are the same in every run, so that ids are stable and tests are
//! exact, and its seeds are in a file.

mod apdu;
mod applet;
mod change_notifier;
mod command_log;
mod fido;
mod fido_interface;
mod fido_side;
mod firmware;
mod flavour;
mod identity;
mod keyboard;
mod nitrokey_pro;
mod nitrokey_pro_interface;
mod nitrokey_pro_user;
mod oath;
mod otp;
mod report_queue;
mod session;
mod spec;
mod state;
mod t0;
#[cfg(test)]
mod tests;
mod token2;
mod token2_hid;
mod token2_user;
mod transport;
mod virtual_token;

pub use applet::{Applet, Outcome, Pending, Touch};
pub use command_log::Header;
pub use fido::FidoFault;
pub use fido_interface::FidoInterface;
pub use firmware::{Firmware, InvalidFirmware};
pub use keyboard::Keyboard;
pub use nitrokey_pro::NitrokeyProFault;
pub use nitrokey_pro_interface::NitrokeyProInterface;
pub use otp::OtpFault;
pub use session::Session;
pub use spec::{CredentialSpec, Kind, Model, OtpSlotSpec, SpecError, TokenSpec, TouchPolicy, parse};
pub use state::Fault;
pub use token2_hid::Token2Fault;
pub use transport::VirtualTransport;
pub use virtual_token::VirtualToken;
