//! The D-Bus interfaces, one per file, and the tasks that update the object tree.
//!
//! Objects hold shared state with interior locking: a method with `&mut self` would stall every reader of the
//! object for as long as it runs.

mod args;
mod bridge;
mod call;
mod census;
mod client;
mod clients;
mod descriptors;
mod error;
mod inbound;
mod liveness;
mod methods;
mod missing_credential;
pub mod names;
mod objects;
mod operate;
mod publish;
mod published;
mod questions;
mod records;
mod required_touch;
mod serve;
mod session;
mod settings;
mod system_bus;
mod transport_problems;

pub use bridge::{Bridge, Opener};
pub use error::Error;
pub use published::Summary;
pub(crate) use required_touch::sentence as required_touch_sentence;
pub use serve::Service;
pub use session::ScreenLock;
pub use system_bus::SystemBus;
pub(crate) use transport_problems::{HID_DENIED, sentence as problem_sentence};
