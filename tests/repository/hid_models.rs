//! The udev rules and the table in `README.md` list the HID devices that the transport opens, and no others.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "the whole file is a test")]

use std::fs;
use std::path::{Path, PathBuf};

use oathbridge::dbus::Error;
use oathbridge::device::hid_models::{HidKind, MODELS, Model};
use oathbridge::token;

/// If this variable is set, the rules are written instead of compared.
const WRITE: &str = "OATHBRIDGE_WRITE_RULES";

/// The rules that leave out the other nodes of a token with a keyboard interface. Rules of their own, because udev looks for one
/// parent with all attributes of a rule, and the ids are those of another parent.
const KEYBOARDS_ONLY: &str = r#"# Only keyboard interfaces: HID 1.11, section 4.3
SUBSYSTEM=="hidraw", ATTRS{bInterfaceProtocol}!="01", GOTO="oathbridge_keyboard_end"

"#;
const NO_KEYBOARDS: &str = r#"# No keyboard interface of the tokens below: the user's programs could read what they type
SUBSYSTEM=="hidraw", ATTRS{bInterfaceProtocol}=="01", GOTO="oathbridge_end"

"#;

fn path(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(file)
}

fn read(file: &str) -> String {
    fs::read_to_string(path(file)).unwrap()
}

fn products(model: &Model, separator: &str) -> String {
    model.products.iter().map(|product| format!("{product:04x}")).collect::<Vec<_>>().join(separator)
}

/// The comment and the rule of a model.
fn rule(model: &Model) -> String {
    let (vendor, products) = (model.vendor, products(model, "|"));
    let device = format!(
        r#"SUBSYSTEM=="hidraw", ATTRS{{idVendor}}=="{vendor:04x}", ATTRS{{idProduct}}=="{products}""#
    );
    // The rule of the readers starts the daemon for the other tokens, which all act as a reader too.
    let start = match model.kind {
        HidKind::Keyboard => r#", TAG+="systemd", ENV{SYSTEMD_USER_WANTS}+="oathbridge.service""#,
        HidKind::NitrokeyPro | HidKind::Fido => "",
    };
    format!("# {}\n{device}, TAG+=\"uaccess\"{start}\n\n", model.name)
}

/// The file with the rules of the models in place of those that it has.
fn with_rules(text: &str, file: &str) -> String {
    let label = text.rfind("LABEL=").unwrap();
    let is_old = |paragraph: &&str| !paragraph.contains(r#"SUBSYSTEM=="hidraw""#);
    let kept: Vec<_> = text[..label].split("\n\n").filter(is_old).collect();
    let of = |kind| -> String { MODELS.iter().filter(|model| model.kind == kind).map(rule).collect() };
    let rules = match file == HidKind::Keyboard.rules() {
        true => format!("{KEYBOARDS_ONLY}{}", of(HidKind::Keyboard)),
        // Older firmware of a Nitrokey Pro has its reports on a keyboard interface.
        false => format!("{}{NO_KEYBOARDS}{}", of(HidKind::NitrokeyPro), of(HidKind::Fido)),
    };
    format!("{}{rules}{}", kept.join("\n\n"), &text[label..])
}

/// `OATHBRIDGE_WRITE_RULES=1 cargo test --release --test repository hid_models` writes them.
#[test]
fn the_rules_grant_access_to_the_devices_of_the_table() {
    for kind in [HidKind::Keyboard, HidKind::Fido] {
        let file = format!("udev/{}", kind.rules());
        let generated = with_rules(&read(&file), kind.rules());
        if std::env::var_os(WRITE).is_some() {
            fs::write(path(&file), &generated).unwrap();
        }
        assert_eq!(read(&file), generated, "{file} is out of date; run this test with {WRITE}=1");
    }
}

/// A software catalogue offers the program when one of these devices is plugged in.
#[test]
fn the_metainfo_lists_the_devices_of_the_table() {
    let file = "data/metainfo/io.github.oathbridge.OathBridge1.metainfo.xml";
    let line =
        |vendor: u16, product: &u16| format!("    <modalias>usb:v{vendor:04X}p{product:04X}d*</modalias>\n");
    let of_model =
        |model: &Model| model.products.iter().map(|product| line(model.vendor, product)).collect::<String>();
    let text = read(file);
    let is_other = |line: &&str| !line.contains("<modalias>");
    let others: String = text.split_inclusive('\n').filter(is_other).collect();
    let (before, after) = others.split_once("  </provides>\n").unwrap();
    let devices: String = MODELS.iter().map(of_model).collect();
    let generated = format!("{before}{devices}  </provides>\n{after}");
    if std::env::var_os(WRITE).is_some() {
        fs::write(path(file), &generated).unwrap();
    }
    assert_eq!(read(file), generated, "{file} is out of date; run this test with {WRITE}=1");
}

#[test]
fn the_readme_lists_the_devices_of_the_table() {
    let row = |model: &Model| {
        let interface = match model.kind {
            HidKind::Keyboard => "keyboard",
            HidKind::NitrokeyPro => "generic or keyboard",
            HidKind::Fido => "FIDO",
        };
        let ids = format!("{:04x}: {}", model.vendor, products(model, ", "));
        format!("| {} | {ids} | {interface} | `udev/{}` |", model.name, model.kind.rules())
    };
    let expected: Vec<_> = MODELS.iter().map(row).collect();
    let readme = read("README.md");
    let shown: Vec<_> = readme.lines().filter(|line| line.contains("| `udev/")).collect();
    assert_eq!(shown, expected);
}

#[test]
fn the_error_names_the_rules_that_mend_it_and_no_others() {
    for model in MODELS {
        let error = Error::from(token::Error::HidDenied(model.kind));
        for kind in [HidKind::Keyboard, HidKind::NitrokeyPro, HidKind::Fido] {
            let is_named = error.sentence().contains(kind.rules());
            assert_eq!(is_named, kind.rules() == model.kind.rules(), "{}: {}", model.name, error.sentence());
        }
    }
}
