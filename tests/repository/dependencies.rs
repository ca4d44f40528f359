//! The packages that are compiled into the shipped programs, or run to build them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "the whole file is a test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

/// The most packages that may ship. The fewer there are, the fewer authors have to be trusted.
const MAX_PACKAGES: usize = 215;

/// The end of a reason for a package of the tests.
const OF_TESTS: &str = "which only a test uses";

/// The systems that it ships for.
const TARGETS: [&str; 2] = ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The versions of each shipped package, `oathbridge` included.
fn shipped(target: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut command = Command::new(env!("CARGO"));
    command.current_dir(root()).args(["tree", "--locked", "--offline", "--package", "oathbridge"]);
    command.args(["--target", target]);
    command.args(["--edges", "normal,build", "--prefix", "none", "--format", "{p}"]);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut packages = BTreeMap::<String, BTreeSet<String>>::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let mut words = line.split_whitespace().map(str::to_owned);
        packages.entry(words.next().unwrap()).or_default().insert(words.next().unwrap());
    }
    packages
}

#[test]
fn the_programs_have_few_dependencies() {
    for target in TARGETS {
        let shipped = shipped(target);
        let count: usize = shipped.values().map(BTreeSet::len).sum();
        assert!((100..=MAX_PACKAGES).contains(&count), "{target}: {count} packages");
        assert!(!shipped.contains_key("secrecy"));
    }
}

/// cargo-deny checks the packages of the tests too, and reasons for those are none for what ships.
#[test]
fn a_package_that_ships_in_two_versions_has_a_reason() {
    let deny: toml::Table = fs::read_to_string(root().join("deny.toml")).unwrap().parse().unwrap();
    let bans = &deny["bans"];
    assert_eq!(bans["multiple-versions"].as_str(), Some("deny"));
    assert_eq!(bans["multiple-versions-include-dev"].as_bool(), Some(true));
    let text = |entry: &toml::Value, key| entry[key].as_str().unwrap().to_owned();
    let skipped = bans["skip"].as_array().unwrap().iter();
    let explained: BTreeSet<_> = skipped
        .filter(|entry| !text(entry, "reason").contains(OF_TESTS))
        .map(|entry| text(entry, "crate"))
        .collect();
    // A reason names the beginning of a version, and `cargo tree` the whole one.
    let is_explained = |name: &str, version: &str| {
        explained.iter().any(|package| {
            format!("{name}@{version}.").replace("@v", "@").starts_with(&format!("{package}."))
        })
    };
    for target in TARGETS {
        for (name, versions) in shipped(target) {
            let left = versions.iter().filter(|version| !is_explained(&name, version)).count();
            assert_eq!(left, 1, "{name}: {versions:?}");
        }
    }
}
