//! Python environments for programs of others, from PyPI, below cargo's target directory.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder with the programs of an environment that has these requirements, installed when it isn't there yet.
///
/// # Errors
///
/// When it can't be installed; the error has what pip said.
pub fn environment(name: &str, requirements: &[&str]) -> io::Result<PathBuf> {
    let environment = target_directory()?.join(name);
    // Tests are several processes: one installs, the others wait for it.
    let lock = File::create(environment.with_extension("lock"))?;
    lock.lock()?;
    let (installed, wanted) = (environment.join("installed"), requirements.join("\n"));
    if fs::read_to_string(&installed).is_ok_and(|what| what == wanted) {
        return Ok(environment.join("bin"));
    }
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&environment))?;
    let pip = ["install", "--quiet", "--disable-pip-version-check"];
    run(Command::new(environment.join("bin/pip")).args(pip).args(requirements))?;
    fs::write(installed, wanted)?;
    Ok(environment.join("bin"))
}

/// Cargo marks its target directory, which is above every program that it builds.
fn target_directory() -> io::Result<PathBuf> {
    let program = std::env::current_exe()?;
    let marked = |directory: &&Path| directory.join("CACHEDIR.TAG").exists();
    let directory = program.ancestors().find(marked).map(Path::to_path_buf);
    directory.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "not below cargo's target directory"))
}

fn run(command: &mut Command) -> io::Result<()> {
    let output = command.output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(io::Error::other(format!("{command:?} failed: {said}")))
}
