//! Very many calls, cards and clients: the daemon stays in service and gives back what it took.

mod hostile;
mod soak;
