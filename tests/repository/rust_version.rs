//! One version of Rust is named everywhere, and it is checked before anything is installed.
#![allow(clippy::unwrap_used, reason = "the whole file is a test")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output};

/// The tools that the script uses. Without them there is no Rust in the `PATH`.
const TOOLS: [&str; 9] = ["cmp", "dirname", "grep", "head", "id", "printf", "sed", "sh", "sort"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The version in Cargo.toml.
fn oldest() -> String {
    let manifest: toml::Table = fs::read_to_string(root().join("Cargo.toml")).unwrap().parse().unwrap();
    let version = manifest.get("workspace").and_then(|table| table.get("package")?.get("rust-version"));
    version.unwrap().as_str().unwrap().to_owned()
}

/// The script on a machine with these programs.
fn check(programs: &[(&str, &str)]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    for tool in TOOLS {
        symlink(Path::new("/usr/bin").join(tool), folder.path().join(tool)).unwrap();
    }
    for (name, script) in programs {
        // Another process writes the file, because a child process of another test could keep it open for writing.
        let write = r#"printf '#!/bin/sh\n%s\n' "$2" > "$1" && chmod +x "$1""#;
        let mut command = Command::new("sh");
        command.args(["-c", write, "sh"]).arg(folder.path().join(name)).arg(script);
        assert!(command.status().unwrap().success());
    }
    let mut command = Command::new("/bin/sh");
    command.arg(root().join("scripts/check-rust")).env("PATH", folder.path());
    command.env_remove("CARGO").env_remove("RUSTUP_TOOLCHAIN").output().unwrap()
}

/// What the script says as it fails.
fn refusal(programs: &[(&str, &str)]) -> String {
    let output = check(programs);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said.lines().count(), 1, "{said}");
    said
}

#[test]
fn all_files_name_the_same_version() {
    let oldest = oldest();
    for file in ["rust-toolchain.toml", "README.md", "CONTRIBUTING.md"] {
        let text = fs::read_to_string(root().join(file)).unwrap();
        let named: Vec<_> = text
            .split("Rust ")
            .skip(1)
            .filter_map(|rest| rest.split(|c: char| !c.is_ascii_digit() && c != '.').next())
            .map(|version| version.trim_end_matches('.'))
            .filter(|version| !version.is_empty())
            .collect();
        assert!(!named.is_empty() && named.iter().all(|version| *version == oldest), "{file}: {named:?}");
    }
}

#[test]
fn a_missing_or_old_rust_is_told_in_one_sentence() {
    let (cargo, oldest) = (("cargo", "exit 1"), oldest());
    assert!(refusal(&[]).contains(&format!("install Rust {oldest} or newer with rustup")));
    for old in ["1.63.0", "1.85.0", "1.9.0"] {
        let rustc = format!("echo 'rustc {old} (built from a source tarball)'");
        let said = refusal(&[cargo, ("rustc", &rustc)]);
        assert!(said.starts_with(&format!("Rust {old} is too old: install Rust {oldest} ")), "{said}");
    }
    for new in [oldest.as_str(), "1.100.0", "2.0.0"] {
        let rustc = format!("echo 'rustc {new} (59807616e 2026-04-14)'");
        assert!(check(&[cargo, ("rustc", &rustc)]).status.success(), "{new}");
    }
}

#[test]
fn rustup_fetches_no_toolchain() {
    let rustc = "[ \"$RUSTUP_AUTO_INSTALL\" = 0 ] && echo 'rustc 1.999.0'";
    // One program with two names.
    let script =
        |list| format!("case $0 in *rustup) echo '{list}-x86_64-unknown-linux-gnu' ;; *) {rustc} ;; esac");
    let (old, stable) = (script("1.94.1"), script("stable"));
    let said = refusal(&[("cargo", ""), ("rustc", &old), ("rustup", &old)]);
    assert!(said.contains("run rustup toolchain install stable "), "{said}");
    assert!(check(&[("cargo", ""), ("rustc", &stable), ("rustup", &stable)]).status.success());
    // A compiler from another source does not ask rustup.
    assert!(check(&[("cargo", ""), ("rustc", "echo 'rustc 1.999.0'"), ("rustup", &old)]).status.success());
}

#[test]
fn rust_is_checked_before_packages_are_installed() {
    for goal in ["build", "demo", "test"] {
        let output = Command::new("make")
            .current_dir(root())
            .args(["-n", goal])
            .env_remove("MAKEFLAGS")
            .env_remove("MAKELEVEL")
            .output();
        let commands = String::from_utf8(output.unwrap().stdout).unwrap();
        assert!(commands.starts_with("scripts/check-rust\nscripts/install-packages "), "{goal}: {commands}");
    }
}
