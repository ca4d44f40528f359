//! udev's messages about new HID nodes, as any program may receive them. The rules have been applied to the node before.

use std::io;
use std::os::fd::OwnedFd;

use rustix::net::netlink::{KOBJECT_UEVENT, SocketAddrNetlink};
use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType, bind, recv, socket_with};

/// The multicast group of udevd.
const UDEV_GROUP: u32 = 2;

/// The maximum length of a message in bytes.
const MAX_MESSAGE_BYTES: usize = 8192;

/// A subscription to the messages.
pub struct UdevEvents(OwnedFd);

impl UdevEvents {
    /// Subscribes to the messages.
    ///
    /// # Errors
    ///
    /// If the kernel has no such messages.
    pub fn open() -> io::Result<Self> {
        let kind = (AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC);
        let socket = socket_with(kind.0, kind.1, kind.2, Some(KOBJECT_UEVENT))?;
        bind(&socket, &SocketAddrNetlink::new(0, UDEV_GROUP))?;
        Ok(Self(socket))
    }

    /// Waits for a new node of a USB interface, for example `1-1:1.0`, and returns the path of the node.
    ///
    /// # Errors
    ///
    /// If messages were lost.
    pub fn node(&self, interface: &str) -> io::Result<String> {
        let mut message = [0; MAX_MESSAGE_BYTES];
        let interface = format!("/{interface}/");
        loop {
            let (length, _) = recv(&self.0, &mut message, RecvFlags::empty())?;
            let text = String::from_utf8_lossy(message.get(..length).unwrap_or_default());
            let value =
                |name: &str| text.split('\0').find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
            let is_new_node = value("SUBSYSTEM") == Some("hidraw") && value("ACTION") == Some("add");
            if is_new_node && value("DEVPATH").is_some_and(|path| path.contains(&interface)) {
                return value("DEVNAME").map(str::to_owned).ok_or_else(|| io::ErrorKind::InvalidData.into());
            }
        }
    }
}
