//! `[notifications]`: what persons are told on the desktop.

use serde::Deserialize;

use super::value::switch;

/// What persons are told on the desktop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Notifications {
    /// Anything at all.
    #[serde(deserialize_with = "switch")]
    pub enabled: bool,
    /// That a token has to be touched.
    #[serde(deserialize_with = "switch")]
    pub touch: bool,
    /// That one has to be unlocked.
    #[serde(deserialize_with = "switch")]
    pub unlock: bool,
    /// That one has to be plugged in.
    #[serde(deserialize_with = "switch")]
    pub insert: bool,
}

impl Default for Notifications {
    fn default() -> Self {
        Self { enabled: true, touch: true, unlock: true, insert: true }
    }
}
