//! The messages of udev about devices, after it has applied its rules.
//!
//! udevd sends them to the second group of the netlink protocol for kernel events.

use std::io::IoSliceMut;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::netlink::{KOBJECT_UEVENT, SocketAddrNetlink};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SocketFlags,
    SocketType, bind, recvmsg, socket_with, sockopt,
};

use super::udev_message::is_relevant;

/// The multicast group of udevd. Group 1 is that of the kernel, whose messages come before the rules are applied.
const UDEV_GROUP: u32 = 2;

/// The maximum length of a message in bytes: the size of libudev's buffer.
const MAX_MESSAGE_BYTES: usize = 8192;

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

#[cfg(test)]
mod tests {
    use rustix::net::{SendFlags, getsockname, sendto};

    use super::super::udev_message::message;
    use super::*;

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
