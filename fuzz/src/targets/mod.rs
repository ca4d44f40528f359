//! The targets. Each function takes any bytes, panics if a property does not hold, and returns whether the bytes were
//! those of a well-behaved device, or a new credential.

pub mod ctaphid;
pub mod descriptor;
pub mod nitrokey_pro;
pub mod otpauth;
pub mod token;
pub mod token2;
pub mod udev_message;
pub mod ykoath;
pub mod ykotp;

mod ctaphid_key;
mod nitrokey_pro_key;
mod token2_key;
mod token_transport;
mod ykoath_card;
mod ykotp_key;

/// A target, and its name: that of its program and of its folder with seeds.
pub type Target = (&'static str, fn(&[u8]) -> bool);

/// All targets.
pub const ALL: [Target; 9] = [
    ("ctaphid", ctaphid::run),
    ("descriptor", descriptor::run),
    ("nitrokey_pro", nitrokey_pro::run),
    ("otpauth", otpauth::run),
    ("token", token::run),
    ("token2", token2::run),
    ("udev_message", udev_message::run),
    ("ykoath", ykoath::run),
    ("ykotp", ykotp::run),
];
