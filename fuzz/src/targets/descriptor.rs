//! The reader of HID report descriptors (`src/transport/hid/descriptor.rs`).

#[path = "../../../src/transport/hid/descriptor.rs"]
mod source;

/// The descriptors of an authenticator and of a keyboard: usage and bits of the input, output and feature reports.
const KNOWN: [((u16, u16), [u64; 3]); 2] = [((0xf1d0, 1), [512, 512, 0]), ((1, 6), [64, 8, 64])];

/// Whether the descriptor is that of an interface that the transport uses.
pub fn run(bytes: &[u8]) -> bool {
    let layout = source::parse(bytes);
    let bits = [layout.input_bits, layout.output_bits, layout.feature_bits];
    assert_eq!(bits, [0x80, 0x90, 0xb0].map(|tag| announced(bytes, tag)), "other lengths than announced");
    // What follows the first collection does not change its usage, and no report gets shorter.
    let half = source::parse(&bytes[..bytes.len() / 2]);
    assert!(half.usage.is_none() || half.usage == layout.usage, "the usage of another collection");
    assert!(half.input_bits <= layout.input_bits, "more items with fewer bits");
    assert!(!half.is_numbered || layout.is_numbered, "report numbers that vanish");
    layout.usage.is_some_and(|usage| KNOWN.contains(&(usage, bits)))
}

/// The sum of the sizes of all reports of a kind, by the items one after the other.
fn announced(bytes: &[u8], kind: u8) -> u64 {
    let (mut size, mut count, mut sum, mut at) = (0_u64, 0_u64, 0_u128, 0);
    while at < bytes.len() {
        let (prefix, length) = (bytes[at], [0, 1, 2, 4][usize::from(bytes[at] & 3)]);
        if prefix == 0xfe {
            let Some(length) = bytes.get(at + 1) else { break };
            at += 3 + usize::from(*length);
            continue;
        }
        let Some(data) = bytes.get(at + 1..at + 1 + length) else { break };
        let value = data.iter().rev().fold(0, |value, byte| value * 256 + u64::from(*byte));
        match prefix & 0xfc {
            0x74 => size = value,
            0x94 => count = value,
            tag if tag == kind => sum += u128::from(size) * u128::from(count),
            _ => {}
        }
        at += 1 + length;
    }
    u64::try_from(sum).unwrap_or(u64::MAX)
}
