//! Python environments for programs of others, from PyPI, below cargo's target directory.

use std::io;
use std::path::PathBuf;
use std::process::Command;

use crate::installed::{once, run};

/// The folder with the programs of an environment that has these requirements, installed when it isn't there yet.
///
/// # Errors
///
/// When it can't be installed; the error has what pip said.
pub fn environment(name: &str, requirements: &[&str]) -> io::Result<PathBuf> {
    let environment = once(name, &requirements.join("\n"), |environment| {
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(environment))?;
        let pip = ["install", "--quiet", "--disable-pip-version-check"];
        run(Command::new(environment.join("bin/pip")).args(pip).args(requirements))
    })?;
    Ok(environment.join("bin"))
}
