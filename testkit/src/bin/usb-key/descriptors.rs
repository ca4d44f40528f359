//! The USB descriptors of a key with two HID interfaces and one for smart cards (USB 2.0, chapter 9; HID 1.11, section
//! 6.2.1; CCID 1.1, section 5.1), of an OnlyKey, which has no smart card, and of a Nitrokey Pro with one HID interface.

use oathbridge::device::HidKind;
use oathbridge::device::hid_models;

/// A boot keyboard (HID 1.11, appendix E.6) with a feature report of 8 bytes.
const KEYBOARD_DESCRIPTOR: &[u8] = &[
    0x05, 0x01, 0x09, 0x06, 0xa1, 0x01, 0x05, 0x07, 0x19, 0xe0, 0x29, 0xe7, 0x15, 0x00, 0x25, 0x01, 0x75,
    0x01, 0x95, 0x08, 0x81, 0x02, 0x95, 0x01, 0x75, 0x08, 0x81, 0x01, 0x95, 0x05, 0x75, 0x01, 0x05, 0x08,
    0x19, 0x01, 0x29, 0x05, 0x91, 0x02, 0x95, 0x01, 0x75, 0x03, 0x91, 0x01, 0x95, 0x06, 0x75, 0x08, 0x15,
    0x00, 0x25, 0x65, 0x05, 0x07, 0x19, 0x00, 0x29, 0x65, 0x81, 0x00, 0x09, 0x03, 0x75, 0x08, 0x95, 0x08,
    0xb1, 0x02, 0xc0,
];

/// A generic HID interface with an input, an output and a feature report of 64 bytes, as a Nitrokey Pro has it since November
/// 2018.
const GENERIC_DESCRIPTOR: &[u8] = &[
    0x06, 0x00, 0xff, 0x09, 0x01, 0xa1, 0x01, 0x09, 0x01, 0x15, 0x00, 0x26, 0xff, 0x00, 0x75, 0x08, 0x95,
    0x40, 0x81, 0x02, 0x09, 0x01, 0x91, 0x02, 0x09, 0x01, 0xb1, 0x02, 0xc0,
];

/// A keyboard with a feature report of 64 bytes, as older firmware has it.
fn wide_keyboard_descriptor() -> Vec<u8> {
    let mut descriptor = KEYBOARD_DESCRIPTOR.to_vec();
    if let [.., _, _, count, _, _, _] = &mut descriptor[..] {
        *count = 64;
    }
    descriptor
}

/// The number of the interface with the slots.
pub(super) const KEYBOARD: u16 = 0;

/// An authenticator with reports of 64 bytes (FIDO CTAP 2.1, section 11.2.8.1).
const FIDO_DESCRIPTOR: &[u8] = &[
    0x06, 0xd0, 0xf1, 0x09, 0x01, 0xa1, 0x01, 0x09, 0x20, 0x15, 0x00, 0x26, 0xff, 0x00, 0x75, 0x08, 0x95,
    0x40, 0x81, 0x02, 0x09, 0x21, 0x15, 0x00, 0x26, 0xff, 0x00, 0x75, 0x08, 0x95, 0x40, 0x91, 0x02, 0xc0,
];

/// The vendor and the product.
#[derive(Clone, Copy)]
pub(super) struct Ids {
    pub(super) vendor: u16,
    pub(super) product: u16,
}

impl Ids {
    /// Whether the slots are behind a generic interface. A virtual Librem Key has the keyboard interface of older firmware.
    fn is_generic(self) -> bool {
        const PURISM: u16 = 0x316d;
        self.is_nitrokey_pro() && self.vendor != PURISM
    }

    /// Whether these are the ids of a Nitrokey Pro, a Nitrokey Storage or a Librem Key, which have no FIDO interface.
    pub(super) fn is_nitrokey_pro(self) -> bool {
        hid_models::name(self.vendor, self.product, HidKind::NitrokeyPro).is_some()
    }

    /// Whether these are the ids of a Nitrokey Storage.
    pub(super) fn is_nitrokey_storage(self) -> bool {
        hid_models::name(self.vendor, self.product, HidKind::NitrokeyPro) == Some("Nitrokey Storage")
    }

    /// The serial number in the descriptors, if there is one. All OnlyKeys have this one.
    fn serial(self) -> Option<&'static str> {
        if self.is_nitrokey_pro() {
            return Some("000000000000000000005f11");
        }
        self.is_onlykey().then_some("1000000000")
    }

    fn is_onlykey(self) -> bool {
        hid_models::name(self.vendor, self.product, HidKind::Keyboard) == Some("OnlyKey")
    }

    fn interfaces(self) -> u8 {
        match () {
            () if self.is_nitrokey_pro() => 1,
            () if self.is_onlykey() => 2,
            () => 3,
        }
    }
}

/// The descriptor of this type and index; `None` if there is none.
pub(super) fn descriptor(ids: Ids, kind: u8, index: u8) -> Option<Vec<u8>> {
    match (kind, index) {
        (1, _) => {
            let ([v0, v1], [p0, p1]) = (ids.vendor.to_le_bytes(), ids.product.to_le_bytes());
            let serial = if ids.serial().is_some() { 3 } else { 0 };
            Some(vec![18, 1, 0x00, 0x02, 0, 0, 0, 64, v0, v1, p0, p1, 0x43, 0x05, 1, 2, serial, 1])
        }
        (2, _) => Some(configuration(ids)),
        (3, 0) => Some(vec![4, 3, 0x09, 0x04]),
        (3, 1) => Some(string("oathbridge")),
        (3, 2) => Some(string("virtual key")),
        (3, 3) => ids.serial().map(string),
        _ => None,
    }
}

/// The report descriptor of an interface.
pub(super) fn report_descriptor(ids: Ids, interface: u16) -> Vec<u8> {
    match interface {
        KEYBOARD if ids.is_generic() => GENERIC_DESCRIPTOR.to_vec(),
        KEYBOARD if ids.is_nitrokey_pro() => wide_keyboard_descriptor(),
        KEYBOARD => KEYBOARD_DESCRIPTOR.to_vec(),
        _ => FIDO_DESCRIPTOR.to_vec(),
    }
}

fn configuration(ids: Ids) -> Vec<u8> {
    let mut body = Vec::new();
    // The subclass and the protocol are those of a boot keyboard (HID 1.11, sections 4.2 and 4.3).
    let (subclass, protocol, bytes) = if ids.is_generic() { (0, 0, 64) } else { (1, 1, 8) };
    body.extend([9, 4, 0, 0, 1, 3, subclass, protocol, 0]);
    body.extend(hid(report_descriptor(ids, KEYBOARD).len()));
    body.extend(endpoint(0x81, INTERRUPT, bytes, 10));
    let interfaces = ids.interfaces();
    if interfaces > 1 {
        body.extend([9, 4, 1, 0, 2, 3, 0, 0, 0]);
        body.extend(hid(FIDO_DESCRIPTOR.len()));
        body.extend(endpoint(0x02, INTERRUPT, 64, 2));
        body.extend(endpoint(0x82, INTERRUPT, 64, 2));
    }
    if interfaces > 2 {
        body.extend([9, 4, 2, 0, 3, 0x0b, 0, 0, 0]);
        body.extend(ccid());
        body.extend(endpoint(0x03, BULK, 64, 0));
        body.extend(endpoint(0x83, BULK, 64, 0));
        body.extend(endpoint(0x84, INTERRUPT, 8, 32));
    }
    let [low, high] = u16::try_from(9 + body.len()).unwrap_or_default().to_le_bytes();
    let mut all = vec![9, 2, low, high, interfaces, 1, 0, 0x80, 15];
    all.extend(body);
    all
}

fn hid(report_descriptor_bytes: usize) -> [u8; 9] {
    let [low, high] = u16::try_from(report_descriptor_bytes).unwrap_or_default().to_le_bytes();
    [9, 0x21, 0x10, 0x01, 0, 1, 0x22, low, high]
}

/// A reader with one slot for cards with 5, 3 and 1.8 V and the protocol T=1, whose messages are extended APDUs of up to
/// 3,062 bytes.
fn ccid() -> Vec<u8> {
    const CLOCK_KHZ: u32 = 4_000;
    const BITS_PER_SECOND: u32 = 307_200;
    const T1: u32 = 2;
    const CARD_BYTES: u32 = 3_062;
    const MESSAGE_BYTES: u32 = 3_072;
    // All that is automatic, and extended APDUs.
    const FEATURES: u32 = 0x0004_00fe;
    let mut all = vec![54, 0x21, 0x10, 0x01, 0, 7];
    all.extend([T1, CLOCK_KHZ, CLOCK_KHZ].into_iter().flat_map(u32::to_le_bytes));
    all.push(0);
    all.extend([BITS_PER_SECOND, BITS_PER_SECOND].into_iter().flat_map(u32::to_le_bytes));
    all.push(0);
    all.extend([CARD_BYTES, 0, 0, FEATURES, MESSAGE_BYTES].into_iter().flat_map(u32::to_le_bytes));
    // The classes of GET RESPONSE and ENVELOPE as in the command; no display, no PIN pad, one command at a time.
    all.extend([0xff, 0xff, 0, 0, 0, 1]);
    all
}

/// The types of endpoints.
const BULK: u8 = 2;
const INTERRUPT: u8 = 3;

fn endpoint(address: u8, kind: u8, bytes: u8, interval: u8) -> [u8; 7] {
    [7, 5, address, kind, bytes, 0, interval]
}

fn string(text: &str) -> Vec<u8> {
    let mut bytes = vec![0, 3];
    bytes.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
    let length = u8::try_from(bytes.len()).unwrap_or_default();
    bytes.splice(0..1, [length]);
    bytes
}
