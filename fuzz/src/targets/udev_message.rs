//! The reader of udev's messages (`src/transport/hid/udev_message.rs`).

#[path = "../../../src/transport/hid/udev_message.rs"]
mod source;

/// Whether the message is about a HID key.
pub fn run(bytes: &[u8]) -> bool {
    let is_relevant = source::is_relevant(bytes);
    let field = |at: usize| Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?) as usize);
    let end = field(16).zip(field(20)).map(|(offset, length)| offset.saturating_add(length));
    if is_relevant {
        assert!(bytes.starts_with(b"libudev\0\xfe\xed\xca\xfe"), "no message of udev");
        let (start, end) = (field(16).unwrap_or_default(), end.unwrap_or_default());
        let properties = bytes.get(start..end).expect("properties that are longer than the message");
        let names = [&b"SUBSYSTEM=hidraw"[..], b"SUBSYSTEM=usb"];
        let named = properties.split(|byte| *byte == 0).any(|property| names.contains(&property));
        assert!(named, "a message about another subsystem");
    }
    // Bytes after the announced end belong to no property.
    if let Some(message) = end.and_then(|end| bytes.get(..end.max(24))) {
        assert_eq!(source::is_relevant(message), is_relevant, "bytes after the end were read");
    }
    is_relevant
}
