//! A folder with the structure of sysfs.

use std::os::unix::fs::symlink;

use super::*;

const KEYBOARD: &[u8] =
    &[0x05, 0x01, 0x09, 0x06, 0xa1, 0x01, 0x09, 0x03, 0x75, 0x08, 0x95, 0x08, 0xb1, 0x02, 0xc0];
const FIDO: &[u8] = &[
    0x06, 0xd0, 0xf1, 0x09, 0x01, 0xa1, 0x01, 0x75, 0x08, 0x95, 0x40, 0x81, 0x02, 0x95, 0x40, 0x91, 0x02,
    0xc0,
];

/// The generic interface of a Nitrokey Pro: an input, an output and a feature report of 64 bytes.
const GENERIC: &[u8] = &[
    0x06, 0x00, 0xff, 0x09, 0x01, 0xa1, 0x01, 0x09, 0x01, 0x15, 0x00, 0x26, 0xff, 0x00, 0x75, 0x08, 0x95,
    0x40, 0x81, 0x02, 0x09, 0x01, 0x91, 0x02, 0x09, 0x01, 0xb1, 0x02, 0xc0,
];

/// The path of a USB device below the root.
const KEY: &str = "sys/devices/pci0000:00/usb1/1-1";

struct Tree(tempfile::TempDir);

impl Tree {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("sys/class/hidraw")).unwrap();
        Self(root)
    }

    fn write(&self, file: &str, bytes: impl AsRef<[u8]>) {
        let path = self.0.path().join(KEY).join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn device(&self, vendor: &str, product: &str) {
        self.write("idVendor", format!("{vendor}\n"));
        self.write("idProduct", format!("{product}\n"));
    }

    fn interface(&self, number: u8, node: &str, descriptor: &[u8]) {
        let hid = format!("1-1:1.{number}/0003:1050:0407.0001");
        self.write(&format!("1-1:1.{number}/bInterfaceNumber"), format!("{number:02x}\n"));
        self.write(&format!("{hid}/report_descriptor"), descriptor);
        self.write(&format!("{hid}/hidraw/{node}/dev"), "243:0\n");
        let class = self.0.path().join("sys/class/hidraw").join(node);
        symlink(self.0.path().join(KEY).join(hid).join("hidraw").join(node), class).unwrap();
    }

    fn scan(&self, kinds: &[HidKind]) -> Vec<Node> {
        Sysfs::below(self.0.path()).scan(kinds)
    }
}

#[test]
fn a_key_has_an_interface_of_each_kind_with_the_same_parent() {
    let tree = Tree::new();
    tree.device("1050", "0407");
    tree.write("serial", "0012\n");
    tree.interface(1, "hidraw0", FIDO);
    tree.interface(0, "hidraw3", KEYBOARD);
    let nodes = tree.scan(&[HidKind::Keyboard, HidKind::Fido]);
    // The table lists the keyboard of a YubiKey only.
    let [node] = &nodes[..] else { panic!("{nodes:?}") };
    assert_eq!(node.interface, "1-1:1.0");
    assert_eq!(node.path, tree.0.path().join("dev/hidraw3"));
    assert_eq!((node.usb.vendor, node.usb.product, node.usb.number), (0x1050, 0x0407, Some(0)));
    assert_eq!(node.usb.serial.as_deref(), Some("0012"));
    assert!(node.usb.parent.as_ref().unwrap().to_str().unwrap().starts_with("1-1@"));
    assert!(tree.scan(&[HidKind::Fido]).is_empty());
}

#[test]
fn a_device_outside_the_table_is_not_listed() {
    for (vendor, product) in [("046d", "0407"), ("1050", "0402"), ("", "0407"), ("1050", "zzzz")] {
        let tree = Tree::new();
        tree.device(vendor, product);
        tree.interface(0, "hidraw0", KEYBOARD);
        assert_eq!(tree.scan(&[HidKind::Keyboard]), [], "{vendor}:{product}");
    }
}

#[test]
fn an_interface_with_other_reports_is_not_listed() {
    let mut numbered = KEYBOARD.to_vec();
    numbered.splice(0..0, [0x85, 1]);
    let mut short = KEYBOARD.to_vec();
    short[11] = 4;
    let mut mouse = KEYBOARD.to_vec();
    mouse[3] = 2;
    for descriptor in [FIDO, &numbered, &short, &mouse, &[]] {
        let tree = Tree::new();
        tree.device("1050", "0407");
        tree.interface(0, "hidraw0", descriptor);
        assert_eq!(tree.scan(&[HidKind::Keyboard]), [], "{descriptor:02x?}");
    }
}

/// The report descriptor of a keyboard with a feature report of 64 bytes, as older firmware has it.
fn wide_keyboard() -> Vec<u8> {
    let mut descriptor = KEYBOARD.to_vec();
    descriptor[11] = 0x40;
    descriptor
}

#[test]
fn a_nitrokey_pro_has_a_generic_interface_or_that_of_a_keyboard() {
    for (vendor, product) in [("20a0", "4108"), ("20a0", "4109"), ("316d", "4c4b")] {
        for descriptor in [GENERIC, &wide_keyboard()] {
            let tree = Tree::new();
            tree.device(vendor, product);
            tree.interface(0, "hidraw0", descriptor);
            let nodes = tree.scan(&[HidKind::Keyboard, HidKind::NitrokeyPro, HidKind::Fido]);
            let kinds: Vec<_> = nodes.iter().map(|node| node.kind).collect();
            assert_eq!(kinds, [HidKind::NitrokeyPro], "{vendor}:{product} {descriptor:02x?}");
        }
    }
    let mut page = GENERIC.to_vec();
    page[1] = 1;
    let mut numbered = GENERIC.to_vec();
    numbered.splice(0..0, [0x85, 1]);
    let without_feature = [&GENERIC[..24], &[0xc0]].concat();
    for descriptor in [&page[..], &numbered, &without_feature, KEYBOARD, FIDO] {
        let tree = Tree::new();
        tree.device("20a0", "4108");
        tree.interface(0, "hidraw0", descriptor);
        assert_eq!(tree.scan(&[HidKind::NitrokeyPro]), [], "{descriptor:02x?}");
    }
    let tree = Tree::new();
    tree.device("1050", "0407");
    tree.interface(0, "hidraw0", GENERIC);
    assert_eq!(tree.scan(&[HidKind::Keyboard]), [], "a YubiKey has no such interface");
}

#[test]
fn a_key_that_returns_is_another_one() {
    let tree = Tree::new();
    tree.device("1050", "0407");
    tree.interface(0, "hidraw0", KEYBOARD);
    let before = tree.scan(&[HidKind::Keyboard]).remove(0);
    assert!(before.parent.is_present() && before.place.is_present());
    let key = tree.0.path().join(KEY);
    fs::rename(&key, tree.0.path().join("gone")).unwrap();
    assert!(!before.parent.is_present());
    fs::create_dir(&key).unwrap();
    assert!(!before.parent.is_present(), "another folder of the same name");
    fs::remove_dir(&key).unwrap();
    assert_eq!(tree.scan(&[HidKind::Keyboard]), [], "a link to nowhere");
}
