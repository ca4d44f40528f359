//! The format of udev's messages: that of systemd's `sd_device_monitor`.
//!
//! A header of 40 bytes, then properties `KEY=VALUE`, each with a zero byte at its end.

/// The first bytes of a message, and the number after them, in network byte order.
const PREFIX: &[u8] = b"libudev\0";
const MAGIC: u32 = 0xfeed_cafe;

/// Offsets in the header.
const MAGIC_AT: usize = 8;
const PROPERTIES_OFFSET_AT: usize = 16;
const PROPERTIES_LENGTH_AT: usize = 20;

/// The subsystems of a HID key: its nodes, and the USB device that they belong to.
const SUBSYSTEMS: [&[u8]; 2] = [b"hidraw", b"usb"];

/// Whether the message is about a HID key.
pub(super) fn is_relevant(message: &[u8]) -> bool {
    let Some(properties) = properties(message) else { return false };
    let subsystem = properties.split(|byte| *byte == 0).find_map(|line| line.strip_prefix(b"SUBSYSTEM="));
    subsystem.is_some_and(|subsystem| SUBSYSTEMS.contains(&subsystem))
}

/// The properties of a message of udev; `None` for other bytes.
fn properties(message: &[u8]) -> Option<&[u8]> {
    let magic = u32::from_be_bytes(number(message, MAGIC_AT)?);
    if !message.starts_with(PREFIX) || magic != MAGIC {
        return None;
    }
    let offset = u32::from_ne_bytes(number(message, PROPERTIES_OFFSET_AT)?) as usize;
    let length = u32::from_ne_bytes(number(message, PROPERTIES_LENGTH_AT)?) as usize;
    message.get(offset..offset.checked_add(length)?)
}

fn number(message: &[u8], at: usize) -> Option<[u8; 4]> {
    message.get(at..at + 4)?.try_into().ok()
}

/// A message with these properties.
#[cfg(test)]
pub(super) fn message(properties: &[u8]) -> Vec<u8> {
    let mut message = PREFIX.to_vec();
    message.extend(MAGIC.to_be_bytes());
    message.extend(40_u32.to_ne_bytes());
    message.extend(40_u32.to_ne_bytes());
    message.extend((properties.len() as u32).to_ne_bytes());
    message.resize(40, 0);
    message.extend(properties);
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_about_hid_nodes_and_usb_devices_are_relevant() {
        let event = |subsystem| format!("ACTION=bind\0DEVNAME=/dev/x\0SUBSYSTEM={subsystem}\0SEQNUM=5\0");
        for (subsystem, expected) in
            [("hidraw", true), ("usb", true), ("hid", false), ("tty", false), ("", false)]
        {
            assert_eq!(is_relevant(&message(event(subsystem).as_bytes())), expected, "{subsystem}");
        }
        // The value of another property.
        assert!(!is_relevant(&message(b"SUBSYSTEM=tty\0X=SUBSYSTEM=hidraw\0XSUBSYSTEM=usb\0")));
    }

    #[test]
    fn other_bytes_are_no_message() {
        let good = message(b"SUBSYSTEM=hidraw\0");
        assert!(is_relevant(&good));
        for end in 0..good.len() {
            assert!(!is_relevant(&good[..end]), "{end}");
        }
        let with = |at: usize, value: u32| {
            let mut bytes = good.clone();
            bytes[at..at + 4].copy_from_slice(&value.to_ne_bytes());
            bytes
        };
        assert!(!is_relevant(&with(0, 0)), "another prefix");
        assert!(!is_relevant(&with(MAGIC_AT, MAGIC)), "the magic number in the wrong order");
        for wrong in [41, u32::MAX] {
            assert!(!is_relevant(&with(PROPERTIES_OFFSET_AT, wrong)), "offset {wrong}");
            assert!(!is_relevant(&with(PROPERTIES_LENGTH_AT, wrong)), "length {wrong}");
        }
        // What the kernel sends to its own group.
        assert!(!is_relevant(b"add@/devices/x\0ACTION=add\0SUBSYSTEM=hidraw\0"));
    }
}
