//! A token family and a method on Credential, added by a patch each: an addition touches at most three files, and the
//! result builds and passes the tests of the tables.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that panics has failed")]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use testkit::installed::target_directory;
use testkit::patience::run_within;

/// The most files that an addition may touch.
const FILES: usize = 3;

/// Everything that cargo needs for the library's tests.
const SOURCES: [&str; 7] = ["Cargo.toml", "Cargo.lock", "src", "testkit", "data", "config", "systemd"];

/// Tests of the patched tree. Each must exist there and pass.
const TESTS: [&str; 2] = [
    "protocol::dummy::tests::a_dummy_has_no_credentials",
    "dbus::methods::tests::the_table_has_each_method_of_the_shipped_interfaces_and_no_other",
];

/// For a build from an empty target folder.
const BUILD_TIMEOUT: Duration = Duration::from_secs(1_800);

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files below a file or folder, with their content.
fn files(path: &Path, below: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    if path.is_dir() {
        let entries = fs::read_dir(path).unwrap();
        return entries.flat_map(|entry| files(&entry.unwrap().path(), below)).collect();
    }
    BTreeMap::from([(path.strip_prefix(below).unwrap().to_owned(), fs::read(path).unwrap())])
}

fn sources(tree: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    SOURCES.iter().flat_map(|name| files(&tree.join(name), tree)).collect()
}

fn write(tree: &Path, sources: &BTreeMap<PathBuf, Vec<u8>>) {
    for (path, content) in sources {
        let path = tree.join(path);
        // Cargo builds again what is newer than its last build.
        if fs::read(&path).ok().as_ref() != Some(content) {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
    }
}

/// Applies a patch, and returns how many files it touches.
fn apply(patch: &str, tree: &Path) -> usize {
    let patch = root().join("tests/repository/additions").join(patch);
    let mut command = Command::new("git");
    // A tree inside of a repository would be patched only in part.
    command.current_dir(tree).env("GIT_CEILING_DIRECTORIES", tree.parent().unwrap());
    let output = command.args(["apply", "--numstat", "--apply"]).arg(patch).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().count()
}

/// Runs the library's tests of a tree.
fn test(tree: &Path, target: &Path) {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(cargo);
    command.current_dir(tree).env("CARGO_TARGET_DIR", target);
    // The same features and profile as those of this test: the dependencies are built already.
    command.args(["test", "--release", "--workspace", "--locked", "--package", "oathbridge", "--lib"]);
    for package in ["oathbridge", "testkit"] {
        command.args(["--config", &format!("profile.release.package.{package}.opt-level=0")]);
    }
    let output = run_within(command.args(["--", "--exact"]).args(TESTS), BUILD_TIMEOUT).unwrap();
    let [stdout, stderr] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    let passed = format!("test result: ok. {} passed", TESTS.len());
    assert!(output.status.success() && stdout.contains(&passed), "{stdout}{stderr}");
}

#[test]
fn a_family_and_a_method_touch_three_files_each_and_build() {
    let (fresh, kept) = (tempfile::tempdir().unwrap(), target_directory().unwrap().join("additions"));
    write(fresh.path(), &sources(root()));
    for patch in ["family.patch", "method.patch"] {
        let touched = apply(patch, fresh.path());
        assert!(touched <= FILES, "{patch} touches {touched} files");
    }
    let patched = sources(fresh.path());
    fs::create_dir_all(&kept).unwrap();
    for path in files(&kept, &kept).keys().filter(|path| !patched.contains_key(*path)) {
        fs::remove_file(kept.join(path)).unwrap();
    }
    write(&kept, &patched);
    test(&kept, &target_directory().unwrap());
}
