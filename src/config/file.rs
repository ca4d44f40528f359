//! Where the file is, and whether it may be trusted.

use std::env;
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use super::error::{Error, Problem};

const LARGEST: u64 = 1 << 20;
const SYSTEM: &str = "/etc/oathbridge/config.toml";

/// The user's file and the system's, in this order (XDG Base Directory Specification).
pub(super) fn standard_places() -> Vec<PathBuf> {
    let absolute = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let user = absolute("XDG_CONFIG_HOME").or_else(|| absolute("HOME").map(|home| home.join(".config")));
    let user = user.map(|directory| directory.join("oathbridge/config.toml"));
    user.into_iter().chain([PathBuf::from(SYSTEM)]).collect()
}

/// The text of a file that nobody else could have written.
pub(super) fn read(path: &Path) -> Result<String, Error> {
    let failed = |problem| Error::of_file(path, problem);
    let unreadable = |error: io::Error| failed(Problem::Unreadable(error.kind()));
    // A pipe must not wait for its other end; what is checked must be what is read, so open comes first.
    let nonblocking = OFlags::NONBLOCK.bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(nonblocking).open(path).map_err(unreadable)?;
    if let Some(problem) = untrusted(&file).map_err(unreadable)? {
        return Err(failed(problem));
    }
    let mut bytes = Vec::new();
    file.take(LARGEST.saturating_add(1)).read_to_end(&mut bytes).map_err(unreadable)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > LARGEST {
        return Err(failed(Problem::TooLarge));
    }
    String::from_utf8(bytes).map_err(|_| failed(Problem::NotText))
}

fn untrusted(file: &File) -> io::Result<Option<Problem>> {
    let metadata = file.metadata()?;
    let ours = [0, rustix::process::geteuid().as_raw()].contains(&metadata.uid());
    Ok(if !metadata.is_file() {
        Some(Problem::NotAFile)
    } else if !ours {
        Some(Problem::ForeignOwner)
    } else if metadata.mode() & 0o022 != 0 {
        Some(Problem::WritableByOthers)
    } else {
        None
    })
}
