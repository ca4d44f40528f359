//! The place and the trust checks of the configuration file.

use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::error::{Error, Problem};
use crate::regular_file::{self, open_regular_file, read_at_most};
use crate::xdg;

const MAX_FILE_BYTES: u64 = 1 << 20;
const SYSTEM: &str = "/etc/oathbridge/config.toml";

/// The user's file and the system's, in this order (XDG Base Directory Specification).
pub(super) fn standard_places() -> Vec<PathBuf> {
    let user = xdg::config_home().map(|directory| directory.join("oathbridge/config.toml"));
    user.into_iter().chain([PathBuf::from(SYSTEM)]).collect()
}

/// The text of a file that only the user or root can write.
pub(super) fn read(path: &Path) -> Result<String, Error> {
    let failed = |problem| Error::of_file(path, problem);
    let unusable = |error| failed(Problem::File(error));
    let file = open_regular_file(path).map_err(unusable)?;
    if let Some(problem) = untrusted(&file).map_err(unusable)? {
        return Err(failed(problem));
    }
    let bytes = read_at_most(file, MAX_FILE_BYTES).map_err(unusable)?;
    String::from_utf8(bytes).map_err(|_| unusable(regular_file::Error::NotText))
}

fn untrusted(file: &File) -> Result<Option<Problem>, regular_file::Error> {
    let metadata = file.metadata()?;
    let ours = [0, rustix::process::geteuid().as_raw()].contains(&metadata.uid());
    Ok(if !ours {
        Some(Problem::ForeignOwner)
    } else if metadata.mode() & 0o022 != 0 {
        Some(Problem::WritableByOthers)
    } else {
        None
    })
}
