//! JavaScript programs of others, from npm, below cargo's target directory.
//!
//! Needs the Debian packages nodejs and npm, or those two programs from elsewhere.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::Command;

use crate::installed::{once, run};

/// The folder of a package of this version, installed when it isn't there yet.
///
/// # Errors
///
/// When it can't be installed; the error has what npm said.
pub fn package(name: &str, version: &str) -> io::Result<PathBuf> {
    let wanted = format!("{name}@{version}");
    let folder = once(&format!("{name}-npm"), &wanted, |folder| {
        fs::create_dir_all(folder)?;
        // No scripts: what the packages want to run at their installation is nothing that a test needs.
        let options =
            ["install", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"];
        run(Command::new("npm").args(options).arg("--prefix").arg(folder).arg(&wanted))
    })?;
    Ok(folder.join("node_modules").join(name))
}
