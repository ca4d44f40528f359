//! Compares the interfaces with their last release: released members do not change, and additions raise `ApiVersion`.
//!
//! Requires the third-party tool in the Debian package python3-dbusdeviation.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what is wrong by panicking")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use oathbridge::dbus::names::API_VERSION;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/dbus-1").join(name)
}

fn released() -> Vec<PathBuf> {
    let files = fs::read_dir(folder("released")).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|extension| extension == "xml")).collect()
}

/// The changes that break clients of the old interface, in the words of the tool; empty if there are none.
fn breaks(old: &Path, new: &Path) -> String {
    let output = Command::new("dbus-interface-diff")
        .args(["--fatal-warnings", "--warnings=backwards-compatibility"])
        .args([old, new])
        .output()
        .unwrap_or_else(|error| panic!("dbus-interface-diff: {error}"));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { String::new() } else { format!("failed: {said}") }
}

#[test]
fn released_interfaces_are_not_broken() {
    let files = released();
    assert_eq!(files.len(), 5);
    for old in files {
        let new = folder("interfaces").join(old.file_name().unwrap());
        assert_eq!(breaks(&old, &new), "", "{}", old.display());
    }
}

/// Checks that the test above is able to fail.
#[test]
fn the_tool_detects_changes_that_break_clients() {
    let name = "io.github.oathbridge.OathBridge1.Credential.xml";
    let old = folder("released").join(name);
    let text = fs::read_to_string(&old).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let changed = directory.path().join(name);
    for (from, to) in [
        ("<method name=\"Calculate\">", "<method name=\"Compute\">"),
        ("name=\"valid_until\" type=\"t\"", "name=\"valid_until\" type=\"u\""),
        ("<property name=\"Digits\" type=\"u\"", "<property name=\"Digits\" type=\"s\""),
        (
            "<property name=\"Period\" type=\"u\" access=\"read\"",
            "<property name=\"Span\" type=\"u\" access=\"read\"",
        ),
    ] {
        assert_eq!(text.matches(from).count(), 1, "{from}");
        fs::write(&changed, text.replace(from, to)).unwrap();
        assert_ne!(breaks(&old, &changed), "", "{to}");
    }
    fs::write(&changed, &text).unwrap();
    assert_eq!(breaks(&old, &changed), "");
}

#[test]
fn an_addition_raises_the_api_version() {
    let version: u32 =
        fs::read_to_string(folder("released").join("VERSION")).unwrap().trim().parse().unwrap();
    let same = |old: &PathBuf| {
        let new = folder("interfaces").join(old.file_name().unwrap());
        fs::read(old).unwrap() == fs::read(new).unwrap()
    };
    let shipped = fs::read_dir(folder("interfaces")).unwrap().count();
    if released().len() != shipped || !released().iter().all(same) {
        assert!(API_VERSION > version, "raise API_VERSION above {version}");
    }
}
