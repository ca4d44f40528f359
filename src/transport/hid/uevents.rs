//! The messages of udev about devices, after it has applied its rules.
//!
//! udevd sends them to the second group of the netlink protocol for kernel events. The format is that of systemd's
//! `sd_device_monitor`: a header of 40 bytes, then properties `KEY=VALUE`, each with a zero byte at its end.

use std::io::IoSliceMut;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::netlink::{KOBJECT_UEVENT, SocketAddrNetlink};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SocketFlags,
    SocketType, bind, recvmsg, socket_with, sockopt,
};

/// The multicast group of udevd. Group 1 is that of the kernel, whose messages come before the rules are applied.
const UDEV_GROUP: u32 = 2;

/// The first bytes of a message, and the number after them, in network byte order.
const PREFIX: &[u8] = b"libudev\0";
const MAGIC: u32 = 0xfeed_cafe;

/// Offsets in the header.
const MAGIC_AT: usize = 8;
const PROPERTIES_OFFSET_AT: usize = 16;
const PROPERTIES_LENGTH_AT: usize = 20;

/// The maximum length of a message in bytes: the size of libudev's buffer.
const MAX_MESSAGE_BYTES: usize = 8192;

/// The subsystems of a HID key: its nodes, and the USB device that they belong to.
const SUBSYSTEMS: [&[u8]; 2] = [b"hidraw", b"usb"];

/// The socket for messages of udev.
pub(super) struct Uevents(OwnedFd);

impl Uevents {
    /// Subscribes to the messages. An ordinary user may do that.
    pub(super) fn open() -> Result<Self, Errno> {
        Self::of_groups(UDEV_GROUP)
    }

    fn of_groups(groups: u32) -> Result<Self, Errno> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, Some(KOBJECT_UEVENT))?;
        // Before the first message can arrive, so that each has the credentials of its sender.
        sockopt::set_socket_passcred(&socket, true)?;
        bind(&socket, &SocketAddrNetlink::new(0, groups))?;
        Ok(Self(socket))
    }

    /// Reads all pending messages. Returns whether HID keys may have changed.
    pub(super) fn has_changed(&self) -> bool {
        let mut changed = false;
        loop {
            match self.receive() {
                Ok(is_relevant) => changed |= is_relevant,
                Err(Errno::INTR) => {}
                // Messages were lost.
                Err(Errno::NOBUFS) => changed = true,
                Err(Errno::AGAIN) => return changed,
                Err(error) => {
                    tracing::debug!(%error, "a message of udev could not be read");
                    return changed;
                }
            }
        }
    }

    fn receive(&self) -> Result<bool, Errno> {
        let mut bytes = [0; MAX_MESSAGE_BYTES];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmCredentials(1))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let received = recvmsg(
            &self.0,
            &mut [IoSliceMut::new(&mut bytes)],
            &mut control,
            RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC,
        )?;
        let is_root = control.drain().any(|message| match message {
            RecvAncillaryMessage::ScmCredentials(sender) => sender.uid.is_root(),
            _ => false,
        });
        let group = received.address.and_then(|address| SocketAddrNetlink::try_from(address).ok());
        let is_of_udev = group.is_some_and(|address| address.groups() == UDEV_GROUP);
        if !is_root || !is_of_udev {
            return Ok(false);
        }
        if received.flags.contains(ReturnFlags::TRUNC) {
            return Ok(true);
        }
        Ok(bytes.get(..received.bytes).is_some_and(is_relevant))
    }
}

impl AsFd for Uevents {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Whether the message is about a HID key.
fn is_relevant(message: &[u8]) -> bool {
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

#[cfg(test)]
mod tests {
    use rustix::net::{SendFlags, getsockname, sendto};

    use super::*;

    fn message(properties: &[u8]) -> Vec<u8> {
        let mut message = PREFIX.to_vec();
        message.extend(MAGIC.to_be_bytes());
        message.extend(40_u32.to_ne_bytes());
        message.extend(40_u32.to_ne_bytes());
        message.extend((properties.len() as u32).to_ne_bytes());
        message.resize(40, 0);
        message.extend(properties);
        message
    }

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

    #[test]
    fn a_message_that_another_program_sends_to_the_socket_is_ignored() {
        // Without the group, so that it receives no message of this machine's udev.
        let events = Uevents::of_groups(0).unwrap();
        let own = SocketAddrNetlink::try_from(getsockname(&events.0).unwrap()).unwrap();
        let flags = SocketFlags::CLOEXEC;
        let socket =
            socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, Some(KOBJECT_UEVENT)).unwrap();
        let receiver = SocketAddrNetlink::new(own.pid(), 0);
        let sent = sendto(&socket, &message(b"SUBSYSTEM=hidraw\0"), SendFlags::empty(), &receiver);
        // Only root may send messages of this protocol to a process.
        assert!(matches!(sent, Ok(_) | Err(Errno::PERM | Errno::CONNREFUSED)), "{sent:?}");
        assert!(!events.has_changed());
    }

    #[test]
    fn the_socket_can_be_opened_by_any_user_and_a_read_does_not_block() {
        Uevents::open().unwrap().has_changed();
        assert!(!Uevents::of_groups(0).unwrap().has_changed());
    }
}
