//! The udev rules: what they grant and start, and whether udev accepts them.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "the whole file is a test")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const KEYBOARD_RULES: &str = "udev/70-oathbridge-keyboard.rules";
const RULES: [&str; 2] = ["udev/70-oathbridge.rules", KEYBOARD_RULES];

fn path(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(file)
}

/// The parts of a rule: `KEY=="value"` and the like.
fn parts(rule: &str) -> Vec<&str> {
    rule.split(", ").collect()
}

#[test]
fn the_rules_start_the_unit_and_grant_access_to_the_user_at_the_seat_only() {
    let start = r#"ENV{SYSTEMD_USER_WANTS}+="oathbridge.service""#;
    for file in RULES {
        let text = fs::read_to_string(path(file)).unwrap();
        let rules: Vec<_> = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
        let label = rules.last().unwrap().strip_prefix("LABEL=").unwrap();
        // systemd 258 ignores the tag uaccess of rules for "add" only.
        assert_eq!(rules[0], format!(r#"ACTION=="remove", GOTO={label}"#), "{file}");
        let is_for_keyboards = file == KEYBOARD_RULES;
        let operator = if is_for_keyboards { "!=" } else { "==" };
        let narrowing =
            format!(r#"SUBSYSTEM=="hidraw", ATTRS{{bInterfaceProtocol}}{operator}"01", GOTO={label}"#);
        let is_narrowing = |rule: &&str| *rule == narrowing;
        assert_eq!(rules.iter().position(is_narrowing) == Some(1), is_for_keyboards, "{file}");
        assert_eq!(rules.iter().filter(|rule| is_narrowing(rule)).count(), 1, "{file}");
        for rule in rules[1..rules.len() - 1].iter().filter(|rule| !is_narrowing(rule)) {
            let parts = parts(rule);
            assert!(parts.iter().all(|part| part.matches('"').count() == 2), "{rule}");
            let (starts, grants) = (parts.contains(&start), parts.contains(&r#"TAG+="uaccess""#));
            assert!(starts || grants, "{rule}");
            // Without the tag systemd doesn't see the device.
            assert_eq!(starts, parts.contains(&r#"TAG+="systemd""#), "{rule}");
            for banned in ["MODE", "GROUP", "OWNER", "RUN", "PROGRAM", "ACTION"] {
                assert!(!parts.iter().any(|part| part.starts_with(banned)), "{banned} in {rule}");
            }
            // udev looks for one parent that has all of these.
            let of_parents: Vec<_> = parts.iter().filter(|part| part.starts_with("ATTRS")).collect();
            let is_of_the_usb_device = |part: &&&str| {
                part.starts_with("ATTRS{idVendor}==") || part.starts_with("ATTRS{idProduct}==")
            };
            assert!(of_parents.iter().all(is_of_the_usb_device), "{rule}");
        }
        // 73-seat-late.rules grants access, so rules of this kind sort before it.
        assert!(Path::new(file).file_name().unwrap().to_str().unwrap() < "73");
    }
}

#[test]
fn udevadm_verify_accepts_the_rules() {
    let Ok(help) = Command::new("udevadm").arg("--help").output() else { return };
    // systemd 254 introduced the verb.
    if !String::from_utf8_lossy(&help.stdout).contains("verify") {
        return;
    }
    for file in RULES {
        let output = Command::new("udevadm").arg("verify").arg(path(file)).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
}
