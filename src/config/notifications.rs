//! `[notifications]`: what persons are told on the desktop.

use super::error::Error;
use super::section::Section;

/// What persons are told on the desktop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notifications {
    /// Anything at all.
    pub enabled: bool,
    /// That a token has to be touched.
    pub touch: bool,
    /// That one has to be unlocked.
    pub unlock: bool,
    /// That one has to be plugged in.
    pub insert: bool,
}

impl Default for Notifications {
    fn default() -> Self {
        Self { enabled: true, touch: true, unlock: true, insert: true }
    }
}

impl Notifications {
    pub(super) const SECTION: &str = "notifications";
    pub(super) const KEYS: &[&str] = &["enabled", "touch", "unlock", "insert"];

    pub(super) fn read(section: &Section<'_>) -> Result<Self, Error> {
        let default = Self::default();
        let switch = |key, default| {
            let set = section.get(key, "true or false", |value| value.as_bool())?;
            Ok(set.unwrap_or(default))
        };
        Ok(Self {
            enabled: switch("enabled", default.enabled)?,
            touch: switch("touch", default.touch)?,
            unlock: switch("unlock", default.unlock)?,
            insert: switch("insert", default.insert)?,
        })
    }
}
