//! Python environments with third-party programs from PyPI, below cargo's target directory.

use std::io;
use std::path::PathBuf;
use std::process::Command;

use crate::installed::{once, run};

/// The folder with the programs of an environment with these requirements, installed if it is missing.
///
/// # Errors
///
/// The installation fails; the error contains the output of pip.
pub fn environment(name: &str, requirements: &[&str]) -> io::Result<PathBuf> {
    let environment = once(name, &requirements.join("\n"), |environment| {
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(environment))?;
        let pip = ["install", "--quiet", "--disable-pip-version-check"];
        run(Command::new(environment.join("bin/pip")).args(pip).args(requirements))
    })?;
    Ok(environment.join("bin"))
}
