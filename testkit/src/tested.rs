//! Selects the build of the programs that the tests run.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

/// The environment variable with the folder of the tested programs, in place of those that cargo has built for the tests.
const FOLDER: &str = "OATHBRIDGE_BINARIES";

/// The program to run for `program`. For a program that cargo has built for the tests, it is the program of the same name in
/// the folder `OATHBRIDGE_BINARIES`, if that variable is set. Other programs are returned unchanged.
///
/// # Errors
///
/// If the folder has no such program, because a test must not run another build than the requested one.
pub fn program(program: impl AsRef<Path>) -> io::Result<PathBuf> {
    let test = std::env::current_exe()?;
    // The test programs are in the folder `deps` next to the programs.
    let built = test.parent().and_then(Path::parent);
    choose(program.as_ref(), built, std::env::var_os(FOLDER).as_deref())
}

fn choose(program: &Path, built: Option<&Path>, folder: Option<&OsStr>) -> io::Result<PathBuf> {
    let (Some(folder), Some(name)) = (folder, program.file_name()) else { return Ok(program.to_owned()) };
    if program.parent() != built {
        return Ok(program.to_owned());
    }
    let chosen = Path::new(folder).join(name);
    chosen
        .canonicalize()
        .map_err(|error| io::Error::new(error.kind(), format!("{FOLDER}: {}: {error}", chosen.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_programs_that_cargo_built_are_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let name = Some(folder.path().as_os_str());
        let (release, cargo_built) = (Path::new("/release"), Path::new("/release/oathbridged"));
        assert_eq!(choose(cargo_built, Some(release), None).unwrap(), cargo_built);
        let error = choose(cargo_built, Some(release), name).unwrap_err();
        assert!(error.to_string().starts_with("OATHBRIDGE_BINARIES: /"), "{error}");
        let replacement = folder.path().join("oathbridged");
        std::fs::write(&replacement, "").unwrap();
        assert_eq!(
            choose(cargo_built, Some(release), name).unwrap(),
            replacement.canonicalize().unwrap(),
            "of the same name"
        );
        let copy = Path::new("/tmp/copy/oathbridged");
        assert_eq!(choose(copy, Some(release), name).unwrap(), copy);
    }
}
