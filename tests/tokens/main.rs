//! Tokens behind a real pcscd, used by the daemon and by third-party programs.

mod attachments;
mod codes;
mod hotplug;
mod ykman;
mod yubikey_crate;
