//! Tokens behind a real pcscd, used by the daemon and by third-party programs, and keys behind HID reports.

mod attachments;
mod closing_service;
mod codes;
mod crowd;
mod denied;
mod held;
mod hotplug;
mod manage;
mod nitrokey;
mod nitrokey_pro;
mod otp;
mod remember;
mod set_password;
mod slow;
mod t0;
mod token2;
mod without_oath;
mod ykman;
mod yubikey_crate;
