//! Many calls, cards and clients: the daemon stays in service and frees its resources.

mod hostile;
mod soak;
