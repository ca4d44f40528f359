//! The part of the configuration that the registry uses; it does not come from a token.

/// `[hid]`.
#[derive(Clone, Debug, Default)]
pub struct Hid {
    /// Whether to use tokens over HID.
    pub enabled: bool,
    /// The slots to use for codes.
    pub otp_slots: Vec<OtpSlot>,
}

/// `[[hid.otp_slot]]`.
#[derive(Clone, Debug)]
pub struct OtpSlot {
    /// The serial number of the key.
    pub serial: u32,
    /// The slot, 1 or 2.
    pub slot: u8,
    /// The issuer; may be empty.
    pub issuer: String,
    /// The account.
    pub account: String,
    /// The length of a code.
    pub digits: u8,
    /// The period of a code in seconds.
    pub period: u32,
}

impl Hid {
    /// Whether FIDO interfaces are in use.
    pub fn uses_fido(&self) -> bool {
        self.enabled
    }

    /// Whether the interfaces of slots are in use.
    pub fn uses_slots(&self) -> bool {
        self.enabled && !self.otp_slots.is_empty()
    }
}
