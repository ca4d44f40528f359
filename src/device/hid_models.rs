//! The table of HID devices: the transport opens no other ones, and the token families send nothing to other ones. The udev
//! rules and the table in `README.md` are generated from it; `tests/repository/hid_models.rs` compares them.

/// The usage page and usage of a keyboard.
const KEYBOARD: (u16, u16) = (0x0001, 0x0006);

/// The kind of a HID interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HidKind {
    /// Feature reports of 8 bytes on the keyboard interface of a YubiKey, for its OTP slots.
    Keyboard,
    /// Feature reports of 64 bytes of a Nitrokey Pro, Nitrokey Storage or Librem Key. Firmware since November 2018 has a generic
    /// HID interface for them, and older firmware a keyboard interface.
    NitrokeyPro,
    /// Input and output reports of 64 bytes, with FIDO's usage page F1D0 (FIDO CTAP 2.1, section 11.2).
    Fido,
}

impl HidKind {
    /// The length of a report in bytes, without the report number.
    pub fn report_bytes(self) -> usize {
        match self {
            Self::Keyboard => 8,
            Self::NitrokeyPro | Self::Fido => 64,
        }
    }

    /// Each usage page and usage that the first collection may have (HID Usage Tables, sections 4 and 32).
    pub fn usages(self) -> &'static [(u16, u16)] {
        match self {
            Self::Keyboard => &[KEYBOARD],
            // nitrokey-storage-firmware, pull request 74: Windows 10 (1809) refuses a keyboard with feature reports.
            Self::NitrokeyPro => &[(0xff00, 0x0001), KEYBOARD],
            Self::Fido => &[(0xf1d0, 0x0001)],
        }
    }

    /// The file with the udev rule that grants access.
    pub fn rules(self) -> &'static str {
        match self {
            Self::Keyboard => "70-oathbridge-keyboard.rules",
            Self::NitrokeyPro | Self::Fido => "70-oathbridge.rules",
        }
    }
}

/// USB devices of one vendor whose interfaces of one kind are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Model {
    /// The name for people.
    pub name: &'static str,
    /// `idVendor`.
    pub vendor: u16,
    /// `idProduct`, ascending.
    pub products: &'static [u16],
    /// The interface that is used.
    pub kind: HidKind,
}

/// All models. The products are those of the vendors' public lists of USB ids.
pub static MODELS: &[Model] = &[
    Model {
        name: "YubiKey",
        vendor: 0x1050,
        products: &[0x0010, 0x0110, 0x0111, 0x0114, 0x0116, 0x0401, 0x0403, 0x0405, 0x0407, 0x0410],
        kind: HidKind::Keyboard,
    },
    Model { name: "OnlyKey", vendor: 0x1d50, products: &[0x60fc], kind: HidKind::Keyboard },
    // A Nitrokey Passkey (42f3) is not listed: its firmware has no application for codes (nitrokey-3-firmware,
    // `components/apps/Cargo.toml`, feature `nkpk`). A Solo 2 (1209:beee) offers its application over PC/SC only.
    Model { name: "Nitrokey 3", vendor: 0x20a0, products: &[0x42b2], kind: HidKind::Fido },
    // The products of the vendor's list that have a FIDO interface (keyroost, issue 25). A Bio3 (02xx) has no codes over HID.
    Model {
        name: "Token2 PIN+",
        vendor: 0x349e,
        products: &[0x0014, 0x0016, 0x0022, 0x0024, 0x0026],
        kind: HidKind::Fido,
    },
    // A Nitrokey Pro 2 has the ids of a Nitrokey Pro.
    Model { name: "Nitrokey Pro", vendor: 0x20a0, products: &[0x4108], kind: HidKind::NitrokeyPro },
    Model { name: "Nitrokey Storage", vendor: 0x20a0, products: &[0x4109], kind: HidKind::NitrokeyPro },
    Model { name: "Librem Key", vendor: 0x316d, products: &[0x4c4b], kind: HidKind::NitrokeyPro },
];

/// The kinds of interfaces that are used of a USB device.
pub fn kinds(vendor: u16, product: u16) -> impl Iterator<Item = HidKind> {
    let is_this = move |model: &&Model| model.vendor == vendor && model.products.contains(&product);
    MODELS.iter().filter(is_this).map(|model| model.kind)
}

/// The name of a USB device whose interface of this kind is used; `None` for other devices.
pub fn name(vendor: u16, product: u16, kind: HidKind) -> Option<&'static str> {
    let is_this =
        |model: &&Model| model.vendor == vendor && model.products.contains(&product) && model.kind == kind;
    MODELS.iter().find(is_this).map(|model| model.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_outside_the_table_has_no_interface_to_open() {
        assert_eq!(kinds(0x1050, 0x0407).collect::<Vec<_>>(), [HidKind::Keyboard]);
        assert_eq!(kinds(0x20a0, 0x42b2).collect::<Vec<_>>(), [HidKind::Fido]);
        assert_eq!(kinds(0x316d, 0x4c4b).collect::<Vec<_>>(), [HidKind::NitrokeyPro]);
        // A YubiKey and a Nitrokey that have a FIDO interface only, and a keyboard of another vendor.
        assert_eq!(kinds(0x1050, 0x0402).count(), 0);
        assert_eq!(kinds(0x20a0, 0x42f3).count(), 0);
        assert_eq!(kinds(0x046d, 0x0407).count(), 0);
    }

    #[test]
    fn the_products_of_a_model_are_listed_once_and_in_order() {
        for model in MODELS {
            assert!(model.products.is_sorted_by(|a, b| a < b), "{}", model.name);
        }
    }
}
