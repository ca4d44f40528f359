//! What the families may know of a device besides its channel.

use std::sync::{Arc, OnceLock};

use super::otp_slots::OtpSlots;
use crate::clock::Clock;
use crate::device::Attachment;
use crate::protocol::ctaphid::OwnChannel;
use crate::protocol::nitrokey_pro::KnownAttempts;
use crate::protocol::token2::Insertion;
use crate::protocol::ykotp::LostWait;

/// An attached device.
pub(super) struct Target {
    pub(super) attachment: Attachment,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) otp_slots: OtpSlots,
    /// The serial number that the key itself reported. It is read once for each insertion.
    pub(super) key_serial: OnceLock<u32>,
    /// Set when the key refused to report its serial number in a reading.
    pub(super) has_refused_serial: OnceLock<()>,
    /// A wait for a touch of a slot that was not ended.
    pub(super) lost_wait: LostWait,
    /// The daemon's channel on the FIDO interface of a key.
    pub(super) channel: OwnChannel,
    /// The attempts at the PIN of a Nitrokey Pro.
    pub(super) attempts: KnownAttempts,
    /// What is known of a Token2 key.
    pub(super) token2: Insertion,
}

impl Target {
    pub(super) fn new(attachment: Attachment, clock: Arc<dyn Clock>, otp_slots: OtpSlots) -> Self {
        Self {
            attachment,
            clock,
            otp_slots,
            key_serial: OnceLock::new(),
            has_refused_serial: OnceLock::new(),
            lost_wait: LostWait::default(),
            channel: OwnChannel::default(),
            attempts: KnownAttempts::default(),
            token2: Insertion::default(),
        }
    }
}
