//! What `make install` and the packages install, and what they leave behind.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what is wrong by panicking"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

mod deb;
mod debian;
mod installed;
mod recipes;

const NAME: &str = "io.github.oathbridge.OathBridge1";

/// If this variable is set, a tool that is missing is a failure. CI sets it, after it has installed all of them.
const REQUIRED: &str = "OATHBRIDGE_PACKAGE_TOOLS";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(file: &str) -> String {
    fs::read_to_string(root().join(file)).unwrap()
}

/// The folder of the programs that cargo has built for the tests.
fn programs() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_oathbridged")).parent().unwrap()
}

/// Whether a tool is there that only packaging needs.
fn has(tool: &str) -> bool {
    let mut search = Command::new("sh");
    let is_there = search.args(["-c", "command -v \"$0\"", tool]).output().unwrap().status.success();
    assert!(
        is_there || std::env::var_os(REQUIRED).is_none(),
        "{tool} is missing; run make deb and scripts/install-packages package"
    );
    if !is_there {
        eprintln!(
            "Not checked, because {tool} is missing; make deb and scripts/install-packages package install it."
        );
    }
    is_there
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The standard output of a command that must succeed.
fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", said(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// The package of `make deb`, made once for all tests, of the programs that the tests use; `None` without cargo-deb or the
/// compressor that it runs.
fn package() -> Option<&'static Path> {
    static PACKAGE: OnceLock<Option<PathBuf>> = OnceLock::new();
    let make = || {
        (has("cargo-deb") && has("xz")).then(|| {
            // Not where the package of "make deb" is.
            let package = programs().join("package.deb");
            let mut command = Command::new(root().join("scripts/deb"));
            command.args(["--fast", "--output"]).arg(&package).env("PROFILE", "release");
            run(command.env("CARGO_TARGET_DIR", programs().parent().unwrap()).env_remove("MAKEFLAGS"));
            package
        })
    };
    PACKAGE.get_or_init(make).as_deref()
}

/// Files and folders below a folder.
fn below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| if path.is_dir() { [below(&path), vec![path]].concat() } else { vec![path] })
        .collect()
}

/// The links of the installed documents, all of which lead to an installed file.
fn follow_links(documents: &Path) -> usize {
    let mut links = 0;
    let is_document = |file: &PathBuf| file.extension().is_some_and(|extension| extension == "md");
    for file in below(documents).into_iter().filter(is_document) {
        for link in links_of(&fs::read_to_string(&file).unwrap()) {
            assert!(file.parent().unwrap().join(link).exists(), "{}: {link} is missing", file.display());
            links += 1;
        }
    }
    links
}

/// The links to other files, without the anchors in them.
fn links_of(text: &str) -> impl Iterator<Item = &str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target);
    let files = targets.map(|target| target.split('#').next().unwrap_or_default());
    files.filter(|file| !file.is_empty() && !file.contains(':'))
}
