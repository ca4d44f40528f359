//! The protocols of tokens. Each protocol uses [`crate::device`] and knows no transport.
//!
//! * [`ykoath`]: Yubico's OATH protocol over ISO 7816, which the tokens of most vendors support.
//! * [`ctaphid`]: the APDUs of Trussed keys, such as Nitrokey 3, over their FIDO interface.
//! * [`nitrokey_pro`]: the slots of Nitrokey Pro, Nitrokey Storage and Librem Key over HID reports.
//! * [`token2`]: the OTP application of Token2 PIN+ keys, over ISO 7816 or HID reports.
//! * [`ykotp`]: the slots of Yubico's OTP application over HID reports, as TOTP.

pub mod ctaphid;
pub mod nitrokey_pro;
pub mod token2;
pub mod ykoath;
pub mod ykotp;
