//! Reads HID report descriptors (Device Class Definition for HID 1.11, section 6.2.2).

/// The main, global and local items that are read: type and tag of the prefix, without the two bits of the size.
const INPUT: u8 = 0x80;
const OUTPUT: u8 = 0x90;
const FEATURE: u8 = 0xb0;
const COLLECTION: u8 = 0xa0;
const USAGE_PAGE: u8 = 0x04;
const REPORT_SIZE: u8 = 0x74;
const REPORT_ID: u8 = 0x84;
const REPORT_COUNT: u8 = 0x94;
const USAGE: u8 = 0x08;

/// The prefix of a long item: its second byte is the length of its data.
const LONG_ITEM: u8 = 0xfe;

/// What the transport has to know of a report descriptor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Layout {
    /// The usage page and usage of the first collection.
    pub(super) usage: Option<(u16, u16)>,
    /// Whether reports begin with a report number.
    pub(super) is_numbered: bool,
    /// The lengths of the reports in bits.
    pub(super) input_bits: u64,
    pub(super) output_bits: u64,
    pub(super) feature_bits: u64,
}

/// Reads a descriptor, up to its end or its first incomplete item.
pub(super) fn parse(descriptor: &[u8]) -> Layout {
    let mut layout = Layout::default();
    let (mut page, mut usage, mut size, mut count) = (0, None, 0_u64, 0_u64);
    let mut rest = descriptor;
    while let Some((prefix, value, after)) = item(rest) {
        rest = after;
        // Both fit in 32 bits, so the product fits in 64 bits.
        let bits = size * count;
        match prefix {
            USAGE_PAGE => page = low(value),
            // A usage of four bytes has the usage page in its upper half.
            USAGE if usage.is_none() && value > u32::from(u16::MAX) => {
                usage = Some((low(value >> 16), low(value)))
            }
            USAGE if usage.is_none() => usage = Some((page, low(value))),
            COLLECTION if layout.usage.is_none() => layout.usage = usage,
            REPORT_SIZE => size = value.into(),
            REPORT_COUNT => count = value.into(),
            REPORT_ID => layout.is_numbered = true,
            INPUT => layout.input_bits = layout.input_bits.saturating_add(bits),
            OUTPUT => layout.output_bits = layout.output_bits.saturating_add(bits),
            FEATURE => layout.feature_bits = layout.feature_bits.saturating_add(bits),
            _ => {}
        }
    }
    layout
}

/// The first item: its prefix without the size, its value, and the bytes after it. A long item has the value 0.
fn item(bytes: &[u8]) -> Option<(u8, u32, &[u8])> {
    let (&prefix, rest) = bytes.split_first()?;
    if prefix == LONG_ITEM {
        let length = usize::from(*rest.first()?);
        return Some((prefix, 0, rest.get(2 + length..)?));
    }
    let length = match prefix & 3 {
        3 => 4,
        length => usize::from(length),
    };
    let (data, after) = rest.split_at_checked(length)?;
    let value = data.iter().rev().fold(0, |value, byte| value << 8 | u32::from(*byte));
    Some((prefix & !3, value, after))
}

fn low(value: u32) -> u16 {
    (value & 0xffff) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A boot keyboard (HID 1.11, appendix E.6) with a feature report of 8 bytes.
    const KEYBOARD: &[u8] = &[
        0x05, 0x01, 0x09, 0x06, 0xa1, 0x01, 0x05, 0x07, 0x19, 0xe0, 0x29, 0xe7, 0x15, 0x00, 0x25, 0x01, 0x75,
        0x01, 0x95, 0x08, 0x81, 0x02, 0x95, 0x01, 0x75, 0x08, 0x81, 0x01, 0x95, 0x05, 0x75, 0x01, 0x05, 0x08,
        0x19, 0x01, 0x29, 0x05, 0x91, 0x02, 0x95, 0x01, 0x75, 0x03, 0x91, 0x01, 0x95, 0x06, 0x75, 0x08, 0x15,
        0x00, 0x25, 0x65, 0x05, 0x07, 0x19, 0x00, 0x29, 0x65, 0x81, 0x00, 0x09, 0x03, 0x75, 0x08, 0x95, 0x08,
        0xb1, 0x02, 0xc0,
    ];

    /// The descriptor of an authenticator (FIDO CTAP 2.1, section 11.2.8.1).
    const FIDO: &[u8] = &[
        0x06, 0xd0, 0xf1, 0x09, 0x01, 0xa1, 0x01, 0x09, 0x20, 0x15, 0x00, 0x26, 0xff, 0x00, 0x75, 0x08, 0x95,
        0x40, 0x81, 0x02, 0x09, 0x21, 0x15, 0x00, 0x26, 0xff, 0x00, 0x75, 0x08, 0x95, 0x40, 0x91, 0x02, 0xc0,
    ];

    #[test]
    fn a_keyboard_with_a_feature_report() {
        let layout = parse(KEYBOARD);
        assert_eq!(layout.usage, Some((1, 6)));
        assert_eq!((layout.input_bits, layout.output_bits, layout.feature_bits), (64, 8, 64));
        assert!(!layout.is_numbered);
    }

    #[test]
    fn an_authenticator() {
        let layout = parse(FIDO);
        assert_eq!(layout.usage, Some((0xf1d0, 1)));
        assert_eq!((layout.input_bits, layout.output_bits, layout.feature_bits), (512, 512, 0));
    }

    #[test]
    fn report_numbers_long_items_and_wide_usages() {
        let layout = parse(&[0xfe, 2, 0, 0xb1, 0xb1, 0x0b, 0x01, 0x00, 0xd0, 0xf1, 0xa1, 0x01, 0x85, 0x02]);
        assert_eq!(layout, Layout { usage: Some((0xf1d0, 1)), is_numbered: true, ..Layout::default() });
    }

    #[test]
    fn any_bytes_are_read_without_a_panic() {
        for end in 0..KEYBOARD.len() {
            parse(&KEYBOARD[..end]);
        }
        for prefix in 0..=u8::MAX {
            for length in 0..6 {
                parse(&vec![prefix; length]);
            }
        }
        // Lengths that no device can have.
        let huge = [0x77, 0xff, 0xff, 0xff, 0xff, 0x97, 0xff, 0xff, 0xff, 0xff, 0x80, 0x80, 0x80];
        assert_eq!(parse(&huge).input_bits, u64::MAX);
    }
}
