//! Tokens behind a real pcscd: what the daemon makes of them, and what programs of others do.

mod codes;
mod hotplug;
mod ykman;
mod yubikey_crate;
