//! The log of requests and their outcomes.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

/// One request.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The time of arrival, Unix seconds by the fake's clock.
    pub arrived: f64,
    /// The operation, such as `VerifySoftwareToken`.
    pub operation: String,
    /// The user of its access token, session or user name.
    pub user: Option<String>,
    /// The code in it.
    pub code: Option<String>,
    /// The user's seed; each new seed gets a new number.
    pub seed: Option<u32>,
    /// The time step of the code, if it is at most 20 steps away.
    pub step: Option<u64>,
    /// The friendly device name in it.
    pub device_name: Option<String>,
    /// The outcome: `SUCCESS`, `ERROR` for HTTP 200 with `Status: ERROR`, or the name of an exception. For a request that
    /// was not processed it is the name of the fault.
    pub outcome: String,
    /// Whether the request was processed, so that its outcome took effect.
    pub processed: bool,
}

/// All entries, and optionally a file.
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

    /// Appends an entry in one write, so that no line is incomplete.
    pub(super) fn append(&mut self, entry: Entry) -> io::Result<()> {
        let line = line(&entry)?;
        self.entries.push(entry);
        match &mut self.file {
            Some(file) => file.write_all(line.as_bytes()),
            None => Ok(()),
        }
    }

    /// The log as JSON lines.
    pub(super) fn text(&self) -> io::Result<String> {
        self.entries.iter().map(line).collect()
    }
}

fn line(entry: &Entry) -> io::Result<String> {
    Ok(serde_json::to_string(entry)? + "\n")
}
