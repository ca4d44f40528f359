//! `[pcsc]`: smart card readers.

use super::error::Error;
use super::section::Section;
use super::value;

/// What to do with smart card readers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pcsc {
    /// Look for tokens in smart card readers.
    pub enabled: bool,
    /// Readers to leave alone; see [`Pcsc::ignores`].
    pub ignore_readers: Vec<String>,
}

impl Default for Pcsc {
    fn default() -> Self {
        Self { enabled: true, ignore_readers: Vec::new() }
    }
}

impl Pcsc {
    pub(super) const SECTION: &str = "pcsc";
    pub(super) const KEYS: &[&str] = &["enabled", "ignore_readers"];

    /// True for a reader whose name contains one of the configured texts.
    pub fn ignores(&self, reader: &str) -> bool {
        self.ignore_readers.iter().any(|part| reader.contains(part))
    }

    pub(super) fn read(section: &Section<'_>) -> Result<Self, Error> {
        let default = Self::default();
        Ok(Self {
            enabled: section
                .get("enabled", "true or false", |value| value.as_bool())?
                .unwrap_or(default.enabled),
            ignore_readers: section
                .get("ignore_readers", "an array of parts of reader names", value::texts)?
                .unwrap_or(default.ignore_readers),
        })
    }
}
