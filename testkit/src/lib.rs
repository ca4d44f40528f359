//! What oathbridge's tests and demo run against. Not installed.

pub mod bare;
pub mod bus;
pub mod client;
pub mod daemon;
pub mod dbusmock;
pub mod fake_cognito;
mod installed;
pub mod node;
pub mod own_process;
pub mod patience;
pub mod pcscd;
pub mod programs;
pub mod python;
pub mod resources;
pub mod scenario;
pub mod tested;
pub mod vpicc;
pub mod ykman;

pub use testkit_macros::test;
