//! yubikey-manager, Yubico's own tool, as an independent check of the virtual token.
//!
//! Its dependency pyscard is compiled, which requires the Debian packages python3-venv, python3-dev, gcc and
//! libpcsclite-dev.

use std::io;
use std::path::PathBuf;

use crate::python;

/// The `ykman` program, installed if it is missing.
///
/// # Errors
///
/// The installation fails; the error contains the output of pip.
pub fn ykman() -> io::Result<PathBuf> {
    Ok(python::environment("ykman-venv", &["yubikey-manager==5.9.*"])?.join("ykman"))
}
