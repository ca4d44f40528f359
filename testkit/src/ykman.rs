//! yubikey-manager, Yubico's own tool, as an independent opinion on the virtual token.
//!
//! Its dependency pyscard is compiled: that needs the Debian packages python3-venv, python3-dev, gcc and
//! libpcsclite-dev.

use std::io;
use std::path::PathBuf;

use crate::python;

/// The `ykman` program, installed when it isn't there yet.
///
/// # Errors
///
/// When it can't be installed; the error has what pip said.
pub fn ykman() -> io::Result<PathBuf> {
    Ok(python::environment("ykman-venv", &["yubikey-manager==5.9.*"])?.join("ykman"))
}
