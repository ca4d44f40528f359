//! The shipped programs are built separately, because the tests enable features of the same crates that must not be shipped.

#![allow(clippy::unwrap_used, reason = "the whole file is a test")]

use std::fs;
use std::path::Path;
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The commands that make would run.
fn commands(goal: &str) -> String {
    let mut command = Command::new("make");
    command
        .current_dir(root())
        .args(["-n", goal])
        .env_remove("MAKEFLAGS")
        .env_remove("MAKELEVEL")
        .env_remove("CARGO_TARGET_DIR");
    String::from_utf8(command.output().unwrap().stdout).unwrap()
}

#[test]
fn what_is_installed_is_built_without_the_tests() {
    assert!(commands("build").ends_with("\nscripts/build\n"));
    let script = fs::read_to_string(root().join("scripts/build")).unwrap();
    assert!(
        script.contains(" build --profile dist --locked --package oathbridge --bins "),
        "other packages of the workspace, and tests, would switch features on"
    );
    assert!(commands("install").contains("install -D -m 0711 target/dist/oathbridged "));
    for goal in ["demo", "test", "broker"] {
        assert!(!commands(goal).contains("dist"), "{goal} must not build what is installed");
    }
}

/// The daemon's hook writes the message to standard error, which is the journal. `tests/programs/journal.rs` runs it.
#[test]
fn a_panic_ends_what_is_installed_with_a_message() {
    let manifest: toml::Table = fs::read_to_string(root().join("Cargo.toml")).unwrap().parse().unwrap();
    assert_eq!(manifest["profile"]["dist"]["panic"].as_str(), Some("abort"));
    let names = ["panic::set_hook", "panic::catch_unwind", "panic::take_hook"];
    let hides = |path: &Path| {
        let text = fs::read_to_string(path).unwrap();
        names.iter().any(|name| text.contains(name))
    };
    let mut folders = vec![root().join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false if path.ends_with("src/logging/mod.rs") => {}
                false => assert!(!hides(&path), "{} hides panics", path.display()),
            }
        }
    }
}
