//! Creates programs for tests: copies, and scripts.
//!
//! Other programs write the files. A file that is open for writing cannot be run (`ETXTBSY`, execve(2)), and a descriptor of
//! this process is also open in each process that another thread starts, until that process runs its own program.

use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Copies a program, with its permissions.
///
/// # Errors
///
/// If it cannot be copied. The error contains the output of `cp`.
pub fn copy(from: impl AsRef<Path>, to: impl AsRef<Path>) -> io::Result<()> {
    finished(&Command::new("cp").arg("--").arg(from.as_ref()).arg(to.as_ref()).output()?)
}

/// Writes a script that all users may run.
///
/// # Errors
///
/// If it cannot be written. The error contains the output of `install`.
pub fn script(path: impl AsRef<Path>, text: &str) -> io::Result<()> {
    let mut child = Command::new("install")
        .args(["-m", "755", "/dev/stdin"])
        .arg(path.as_ref())
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(text.as_bytes())?;
    }
    finished(&child.wait_with_output()?)
}

/// A command prefix that runs a program in another mount namespace. An ordinary user needs a user namespace for that.
pub fn unshared() -> Vec<&'static str> {
    if rustix::process::geteuid().is_root() {
        vec!["unshare", "--mount"]
    } else {
        vec!["unshare", "--user", "--map-current-user", "--keep-caps", "--mount"]
    }
}

fn finished(output: &Output) -> io::Result<()> {
    if output.status.success() {
        return Ok(());
    }
    Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_and_its_copy_run() {
        let folder = tempfile::tempdir().unwrap();
        let (script_path, copied) = (folder.path().join("script"), folder.path().join("copy"));
        script(&script_path, "#!/bin/sh\necho \"$1\"\n").unwrap();
        copy(&script_path, &copied).unwrap();
        for program in [script_path, copied] {
            assert_eq!(Command::new(program).arg("said").output().unwrap().stdout, b"said\n");
        }
        assert!(copy(folder.path().join("nothing"), folder.path().join("copy")).is_err());
    }
}
