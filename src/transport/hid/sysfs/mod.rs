//! The HID nodes of the table, as the kernel lists them in sysfs. Nothing is sent to a device, and no device is opened.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::descriptor::{self, Layout};
use crate::device::{HidKind, UsbInterface, hid_models};

/// The maximum length of a report descriptor in bytes (`HID_MAX_DESCRIPTOR_SIZE` of the kernel), and of an attribute.
const MAX_FILE_BYTES: u64 = 4096;

/// Where the kernel lists its devices, and the folder of the nodes.
#[derive(Clone, Debug)]
pub(super) struct Sysfs {
    class: PathBuf,
    nodes: PathBuf,
}

/// A folder of sysfs. The kernel does not use an inode number again, so it tells one insertion from the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    path: PathBuf,
    inode: u64,
}

impl Place {
    pub(super) fn of(path: &Path) -> Option<Self> {
        Some(Self { path: path.to_owned(), inode: fs::metadata(path).ok()?.ino() })
    }

    /// Whether the device of this insertion is still there.
    pub(super) fn is_present(&self) -> bool {
        Self::of(&self.path).as_ref() == Some(self)
    }

    /// The name and the inode number, as an opaque text.
    pub(super) fn label(&self) -> OsString {
        let mut label = self.path.file_name().unwrap_or_default().to_owned();
        label.push(format!("@{}", self.inode));
        label
    }
}

/// A node of an interface that the table lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Node {
    /// The path to open.
    pub(super) path: PathBuf,
    /// The node in sysfs.
    pub(super) place: Place,
    /// The USB device.
    pub(super) parent: Place,
    /// The name of the USB interface, such as `1-1:1.0`.
    pub(super) interface: OsString,
    pub(super) usb: UsbInterface,
    pub(super) kind: HidKind,
}

impl Sysfs {
    /// The running system.
    pub(super) fn system() -> Self {
        Self::below(Path::new("/"))
    }

    fn below(root: &Path) -> Self {
        Self { class: root.join("sys/class/hidraw"), nodes: root.join("dev") }
    }

    /// The folder of the nodes.
    pub(super) fn nodes(&self) -> &Path {
        &self.nodes
    }

    /// All nodes of these kinds. A node that vanishes meanwhile is left out.
    pub(super) fn scan(&self, kinds: &[HidKind]) -> Vec<Node> {
        let entries = fs::read_dir(&self.class).into_iter().flatten().flatten();
        let mut nodes: Vec<_> = entries.filter_map(|entry| self.node(&entry.file_name(), kinds)).collect();
        nodes.sort_by(|one, other| one.interface.cmp(&other.interface));
        nodes
    }

    fn node(&self, name: &OsStr, kinds: &[HidKind]) -> Option<Node> {
        let folder = fs::canonicalize(self.class.join(name)).ok()?;
        // <USB device>/<USB interface>/<HID device>/hidraw/<node>
        let hid = folder.parent()?.parent()?;
        let interface = hid.parent()?;
        let device = interface.parent()?;
        let (vendor, product) = (hex(device, "idVendor")?, hex(device, "idProduct")?);
        let layout = descriptor::parse(&read(&hid.join("report_descriptor"))?);
        let kind =
            hid_models::kinds(vendor, product).find(|kind| kinds.contains(kind) && fits(*kind, &layout))?;
        let number = hex(interface, "bInterfaceNumber").and_then(|number| u8::try_from(number).ok())?;
        let parent = Place::of(device)?;
        let usb = UsbInterface {
            vendor,
            product,
            serial: text(device, "serial").filter(|serial| !serial.is_empty()),
            number: Some(number),
            parent: Some(parent.label()),
        };
        Some(Node {
            path: self.nodes.join(name),
            place: Place::of(&folder)?,
            parent,
            interface: interface.file_name()?.to_owned(),
            usb,
            kind,
        })
    }
}

/// Whether reports of this kind are what the interface exchanges.
fn fits(kind: HidKind, layout: &Layout) -> bool {
    let bits = 8 * kind.report_bytes() as u64;
    let lengths = match kind {
        // A device may accept feature reports that its descriptor does not list.
        HidKind::Keyboard => layout.feature_bits == 0 || layout.feature_bits == bits,
        HidKind::NitrokeyPro => layout.feature_bits == bits,
        HidKind::Fido => layout.input_bits == bits && layout.output_bits == bits,
    };
    layout.usage.is_some_and(|usage| kind.usages().contains(&usage)) && lengths && !layout.is_numbered
}

fn read(path: &Path) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(MAX_FILE_BYTES).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

fn text(folder: &Path, attribute: &str) -> Option<String> {
    let text = String::from_utf8(read(&folder.join(attribute))?).ok()?;
    Some(text.trim_end_matches('\n').to_owned())
}

fn hex(folder: &Path, attribute: &str) -> Option<u16> {
    u16::from_str_radix(&text(folder, attribute)?, 16).ok()
}

#[cfg(test)]
mod tests;
