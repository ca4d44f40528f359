//! The crates of `fuzz/` are those of the library, which the targets read the bytes with.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use toml::{Table, Value};

/// The versions of the dependencies, by their names.
fn versions(file: &str) -> BTreeMap<String, String> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
    let table: Table = text.parse().unwrap();
    let dependencies = table["dependencies"].as_table().unwrap().iter();
    let version = |value: &Value| match value {
        Value::Table(table) => table["version"].as_str().unwrap().to_owned(),
        value => value.as_str().unwrap().to_owned(),
    };
    dependencies.map(|(name, value)| (name.clone(), version(value))).collect()
}

#[test]
fn the_targets_are_built_with_the_versions_of_the_library() {
    let library = versions("Cargo.toml");
    for (name, version) in versions("fuzz/Cargo.toml") {
        if name != "libfuzzer-sys" {
            assert_eq!(library.get(&name), Some(&version), "{name}");
        }
    }
}
