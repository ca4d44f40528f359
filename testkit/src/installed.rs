//! What is installed once below cargo's target directory, and then used by every test.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::patience::run_within;

/// Packages come over the network.
const INSTALL: Duration = Duration::from_secs(600);

/// The folder of this name, which `install` fills if it isn't there yet with what is `wanted`.
///
/// # Errors
///
/// What `install` says, or when there is no room for files.
pub(crate) fn once(
    name: &str,
    wanted: &str,
    install: impl FnOnce(&Path) -> io::Result<()>,
) -> io::Result<PathBuf> {
    let folder = target_directory()?.join(name);
    // Tests are several processes: one installs, the others wait for it.
    let lock = File::create(folder.with_extension("lock"))?;
    lock.lock()?;
    let installed = folder.join("installed");
    if fs::read_to_string(&installed).is_ok_and(|what| what == wanted) {
        return Ok(folder);
    }
    install(&folder)?;
    fs::write(installed, wanted)?;
    Ok(folder)
}

/// Runs an installer.
///
/// # Errors
///
/// When it fails or doesn't end; the error has what it said.
pub(crate) fn run(command: &mut Command) -> io::Result<()> {
    let output = run_within(command, INSTALL)?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(io::Error::other(format!("{command:?} failed: {said}")))
}

/// Cargo marks its target directory, which is above every program that it builds.
fn target_directory() -> io::Result<PathBuf> {
    let program = std::env::current_exe()?;
    let marked = |directory: &&Path| directory.join("CACHEDIR.TAG").exists();
    let directory = program.ancestors().find(marked).map(Path::to_path_buf);
    directory.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "not below cargo's target directory"))
}
