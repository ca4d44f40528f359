//! `[notifications]`: what persons are told on the desktop.

use super::error::Error;
use super::section::Section;

/// What persons are told on the desktop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notifications {
    /// Anything at all.
    pub enabled: bool,
}

impl Default for Notifications {
    fn default() -> Self {
        Self { enabled: true }
    }
}

impl Notifications {
    pub(super) const SECTION: &str = "notifications";
    pub(super) const KEYS: &[&str] = &["enabled"];

    pub(super) fn read(section: &Section<'_>) -> Result<Self, Error> {
        let enabled = section.get("enabled", "true or false", |value| value.as_bool())?;
        Ok(Self { enabled: enabled.unwrap_or(Self::default().enabled) })
    }
}
