//! Third-party programs that are installed once below cargo's target directory for all tests, and files of Debian packages
//! that `scripts/unpack-packages` has unpacked there.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::own_process::user_home;
use crate::patience::run_within;

/// The timeout for an installation, which downloads packages.
const INSTALL_TIMEOUT: Duration = Duration::from_secs(600);

/// The folder of this name. If it does not contain what is `wanted` yet, `install` fills it.
///
/// # Errors
///
/// Errors of `install`, and errors of the file system.
pub(crate) fn once(
    name: &str,
    wanted: &str,
    install: impl FnOnce(&Path) -> io::Result<()>,
) -> io::Result<PathBuf> {
    let folder = target_directory()?.join(name);
    // Tests run in several processes: one installs, and the others wait for it.
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

/// Runs an installer, with the home of the user: an installer writes its cache there and reads which registry to use.
///
/// # Errors
///
/// The installer fails or times out; the error contains its output.
pub(crate) fn run(command: &mut Command) -> io::Result<()> {
    if let Some(home) = user_home() {
        command.env("HOME", home);
    }
    let output = run_within(command, INSTALL_TIMEOUT)?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(io::Error::other(format!("{command:?} failed: {said}")))
}

/// A file or folder of a Debian package, such as `/usr/sbin/pcscd`: where the package is installed, or where it is unpacked.
/// If it is in neither place, the path is the former.
pub fn file_of_package(path: &str) -> PathBuf {
    let installed = PathBuf::from(path);
    let unpacked = || Some(target_directory().ok()?.join("tools/root").join(path.trim_start_matches('/')));
    match installed.exists() {
        true => installed,
        false => unpacked().filter(|path| path.exists()).unwrap_or(installed),
    }
}

/// The folder in which the Debian package of this program is unpacked, if `PATH` leads to an unpacked one.
pub fn unpacked_root_of(program: &str) -> Option<PathBuf> {
    let tools = target_directory().ok()?.join("tools");
    let path = std::env::var_os("PATH")?;
    let found = std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.exists())?;
    let script = tools.join("bin").join(program).canonicalize().ok()?;
    (found.canonicalize().ok()? == script).then(|| tools.join("root"))
}

/// The folders with the libraries of a program of a Debian package, as `LD_LIBRARY_PATH`; empty if the package is installed.
pub fn libraries_of(path: &str) -> String {
    // The script of an unpacked program names them first, between quotation marks.
    let script = (!Path::new(path).exists()).then(|| fs::read_to_string(program_of_package(path)).ok());
    let text = script.flatten().unwrap_or_default();
    text.split('\'').nth(1).unwrap_or_default().to_owned()
}

/// A program of a Debian package, with its path if the package is installed: the script that runs it, if the package is
/// unpacked. In other cases it is searched in `PATH`.
pub(crate) fn program_of_package(path: &str) -> PathBuf {
    let name = Path::new(path).file_name().map(PathBuf::from).unwrap_or_default();
    let script = target_directory().map(|target| target.join("tools/bin").join(&name));
    match script {
        _ if Path::new(path).exists() => path.into(),
        Ok(script) if script.exists() => script,
        _ => name,
    }
}

/// Cargo's target directory, above every built program.
///
/// # Errors
///
/// No folder above this program is one that cargo builds in.
pub fn target_directory() -> io::Result<PathBuf> {
    let program = std::env::current_exe()?;
    target_above(&program).ok_or_else(|| {
        io::Error::new(io::ErrorKind::NotFound, "the program is not below cargo's target directory")
    })
}

/// The folder above this program that has a file of cargo. Cargo tags only a folder that it has made itself: a folder that
/// was there before, for example with unpacked packages, has no tag. What cargo knows of its compiler is in every one.
fn target_above(program: &Path) -> Option<PathBuf> {
    let marked =
        |folder: &&Path| ["CACHEDIR.TAG", ".rustc_info.json"].iter().any(|name| folder.join(name).exists());
    program.ancestors().find(marked).map(Path::to_path_buf)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_target_folder_is_found_whether_cargo_has_made_it_or_not() {
        for file in ["CACHEDIR.TAG", ".rustc_info.json"] {
            let folder = tempfile::tempdir().unwrap();
            let programs = folder.path().join("target/release/deps");
            fs::create_dir_all(&programs).unwrap();
            fs::write(folder.path().join("target").join(file), "").unwrap();
            assert_eq!(target_above(&programs.join("test")), Some(folder.path().join("target")), "{file}");
        }
    }

    #[test]
    fn a_program_elsewhere_has_no_target_folder() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(target_above(&folder.path().join("release/test")), None);
    }
}
