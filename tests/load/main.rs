//! Many calls, cards and clients: the daemon stays in service and frees its resources.

mod flood;
mod hostile;
mod soak;
