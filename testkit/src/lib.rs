//! Test environments and fakes for the tests and the demo of oathbridge. Not installed.

pub mod bare;
pub mod bare_hid;
pub mod bus;
pub mod client;
pub mod daemon;
pub mod dbusmock;
pub mod fake_cognito;
pub mod foreign;
pub mod hid_node;
pub mod installed;
pub mod keyring;
pub mod node;
pub mod own_process;
pub mod patience;
pub mod pcscd;
pub mod programs;
pub mod python;
pub mod resources;
pub mod scenario;
pub mod tested;
pub mod udev_events;
pub mod vpicc;
pub mod ykman;

pub use testkit_macros::test;
