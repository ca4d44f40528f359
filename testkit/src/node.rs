//! Third-party JavaScript programs from npm, installed below cargo's target directory.
//!
//! Requires the Debian packages nodejs and npm, or these two programs from another source.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::Command;

use serde_json::json;

use crate::installed::{once, run};

/// The folder of a package of this version, installed if it is missing. `overrides` sets versions of its dependencies; the
/// package itself determines all others.
///
/// # Errors
///
/// The installation fails; the error contains the output of npm.
pub fn package(name: &str, version: &str, overrides: &[(&str, &str)]) -> io::Result<PathBuf> {
    let overrides: BTreeMap<_, _> = overrides.iter().copied().collect();
    let wanted =
        json!({"private": true, "dependencies": {name: version}, "overrides": overrides}).to_string();
    let folder = once(&format!("{name}-npm"), &wanted, |folder| {
        // npm would keep matching files of another version.
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
        fs::create_dir_all(folder)?;
        fs::write(folder.join("package.json"), &wanted)?;
        // Tests do not need the installation scripts of packages.
        let options =
            ["--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"];
        run(Command::new("npm").arg("install").args(options).current_dir(folder))
    })?;
    Ok(folder.join("node_modules").join(name))
}
