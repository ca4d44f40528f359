//! JavaScript programs of others, from npm, below cargo's target directory.
//!
//! Needs the Debian packages nodejs and npm, or those two programs from elsewhere.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::Command;

use serde_json::json;

use crate::installed::{once, run};

/// The folder of a package of this version, installed when it isn't there yet. What it stands on has the versions that
/// `overrides` says; what they don't name is up to the package.
///
/// # Errors
///
/// When it can't be installed; the error has what npm said.
pub fn package(name: &str, version: &str, overrides: &[(&str, &str)]) -> io::Result<PathBuf> {
    let overrides: BTreeMap<_, _> = overrides.iter().copied().collect();
    let wanted =
        json!({"private": true, "dependencies": {name: version}, "overrides": overrides}).to_string();
    let folder = once(&format!("{name}-npm"), &wanted, |folder| {
        // What another version left there would be kept where it fits.
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
        fs::create_dir_all(folder)?;
        fs::write(folder.join("package.json"), &wanted)?;
        // No scripts: what packages want to run when they are installed is nothing that a test needs.
        let options =
            ["--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"];
        run(Command::new("npm").arg("install").args(options).current_dir(folder))
    })?;
    Ok(folder.join("node_modules").join(name))
}
