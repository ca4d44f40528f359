//! yubikey-manager, Yubico's own tool, as an independent opinion on the virtual token.
//!
//! It comes from PyPI into a virtual environment below cargo's target directory. Its dependency pyscard is
//! compiled there: that needs the Debian packages python3-venv, python3-dev, gcc and libpcsclite-dev.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

const REQUIREMENT: &str = "yubikey-manager==5.9.*";

/// The `ykman` program, installed when it isn't there yet.
///
/// # Errors
///
/// When it can't be installed; the error has what pip said.
pub fn ykman() -> io::Result<PathBuf> {
    let environment = target_directory()?.join("ykman-venv");
    // Tests are several processes: one installs, the others wait for it.
    let lock = File::create(environment.with_extension("lock"))?;
    lock.lock()?;
    let installed = environment.join("installed");
    if fs::read_to_string(&installed).is_ok_and(|what| what == REQUIREMENT) {
        return Ok(environment.join("bin/ykman"));
    }
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&environment))?;
    run(Command::new(environment.join("bin/pip")).args([
        "install",
        "--quiet",
        "--disable-pip-version-check",
        REQUIREMENT,
    ]))?;
    fs::write(installed, REQUIREMENT)?;
    Ok(environment.join("bin/ykman"))
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
