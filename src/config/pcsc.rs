//! `[pcsc]`: smart card readers.

use serde::Deserialize;
use serde::de::Deserializer;

use super::value::{checked, is_line, switch};

/// The settings for smart card readers.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Pcsc {
    /// Whether to use tokens in smart card readers.
    #[serde(deserialize_with = "switch")]
    pub enabled: bool,
    /// Readers to ignore; see [`Pcsc::ignores`].
    #[serde(deserialize_with = "reader_names")]
    pub ignore_readers: Vec<String>,
}

impl Default for Pcsc {
    fn default() -> Self {
        Self { enabled: true, ignore_readers: Vec::new() }
    }
}

impl Pcsc {
    /// Whether the name of the reader contains one of the configured texts.
    pub fn ignores(&self, reader: &str) -> bool {
        self.ignore_readers.iter().any(|part| reader.contains(part))
    }
}

fn reader_names<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    checked(deserializer, "an array of parts of reader names", |names: Vec<String>| {
        names.iter().all(|name| is_line(name)).then_some(names)
    })
}
