//! What arrived and what became of it.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

/// One request.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// When it arrived, Unix seconds by the fake's clock.
    pub arrived: f64,
    /// The operation, as `VerifySoftwareToken`.
    pub operation: String,
    /// Whose access token, session or user name it carried.
    pub user: Option<String>,
    /// The code it carried.
    pub code: Option<String>,
    /// The user's seed; each new seed gets a new number.
    pub seed: Option<u32>,
    /// The time step that the code belongs to, if that is no more than 20 steps away.
    pub step: Option<u64>,
    /// The friendly device name it carried.
    pub device_name: Option<String>,
    /// `SUCCESS`, `ERROR` for HTTP 200 with `Status: ERROR`, or the name of an exception: what its
    /// processing came to. A request that wasn't processed has the fault's name here.
    pub outcome: String,
    /// It had an effect, if its outcome has one.
    pub processed: bool,
}

/// All of them, and perhaps a file.
#[derive(Debug, Default)]
pub(super) struct Log {
    entries: Vec<Entry>,
    file: Option<File>,
}

impl Log {
    pub(super) fn new(path: Option<&Path>) -> io::Result<Self> {
        let open = |path| OpenOptions::new().create(true).append(true).open(path);
        Ok(Self { entries: Vec::new(), file: path.map(open).transpose()? })
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// In one write, so that no line is ever half there.
    pub(super) fn append(&mut self, entry: Entry) -> io::Result<()> {
        let line = line(&entry)?;
        self.entries.push(entry);
        match &mut self.file {
            Some(file) => file.write_all(line.as_bytes()),
            None => Ok(()),
        }
    }

    /// As JSON lines.
    pub(super) fn text(&self) -> io::Result<String> {
        self.entries.iter().map(line).collect()
    }
}

fn line(entry: &Entry) -> io::Result<String> {
    Ok(serde_json::to_string(entry)? + "\n")
}
