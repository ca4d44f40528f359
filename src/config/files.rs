//! The files that the configuration comes from, and whether they have changed.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::error::Error;
use super::file;
use super::{Config, Loaded};

/// The files that the configuration comes from.
#[derive(Clone, Debug, Default)]
pub struct Files {
    pub(super) places: Vec<PathBuf>,
    /// Whether the file must exist.
    pub(super) is_explicit: bool,
}

/// One reading of the files.
#[derive(Debug)]
pub struct Reading {
    /// The configuration.
    pub result: Result<Loaded, Error>,
    /// The files before they were read.
    stamp: Stamp,
}

/// Whether files exist, and which version of each: device, inode, size, and the times of the last changes of content and
/// metadata. A change of permissions alone changes the last one.
#[derive(Debug, PartialEq, Eq)]
struct Stamp(Vec<Option<[i64; 7]>>);

impl Files {
    /// The files of this user and this system; `explicit` is `--config`.
    pub fn standard(explicit: Option<PathBuf>) -> Self {
        match explicit {
            Some(path) => Self::only(path),
            None => Self { places: file::standard_places(), is_explicit: false },
        }
    }

    /// This file, which must exist.
    pub fn only(path: PathBuf) -> Self {
        Self { places: vec![path], is_explicit: true }
    }

    /// Reads the files. May block.
    pub fn read(&self) -> Reading {
        // Before the files, so that a later change is noticed.
        let stamp = self.stamp();
        Reading { result: self.load(), stamp }
    }

    /// Whether another reading may have another result. May block.
    pub fn may_differ_from(&self, reading: &Reading) -> bool {
        let names_another_file = reading.result.as_ref().is_err_and(Error::is_of_a_named_file);
        names_another_file || self.stamp() != reading.stamp
    }

    /// Reads the first file that exists; without one the defaults apply. Also reads the files that it names.
    fn load(&self) -> Result<Loaded, Error> {
        for path in &self.places {
            match Config::load_file(path) {
                Err(error) if error.is_not_found() && !self.is_explicit => {}
                loaded => return loaded,
            }
        }
        Ok(Loaded::default())
    }

    fn stamp(&self) -> Stamp {
        Stamp(self.places.iter().map(|path| version(path)).collect())
    }
}

fn version(path: &Path) -> Option<[i64; 7]> {
    let file = fs::metadata(path).ok()?;
    let unsigned = [file.dev(), file.ino(), file.size()].map(u64::cast_signed);
    let [device, inode, size] = unsigned;
    Some([device, inode, size, file.mtime(), file.mtime_nsec(), file.ctime(), file.ctime_nsec()])
}
