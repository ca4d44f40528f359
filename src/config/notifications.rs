//! `[notifications]`: the notifications on the desktop.

use serde::Deserialize;

use super::value::switch;

/// The notifications on the desktop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Notifications {
    /// Whether there are notifications.
    #[serde(deserialize_with = "switch")]
    pub enabled: bool,
    /// Whether a notification asks to touch a token.
    #[serde(deserialize_with = "switch")]
    pub touch: bool,
    /// Whether a notification asks to unlock a token.
    #[serde(deserialize_with = "switch")]
    pub unlock: bool,
    /// Whether a notification asks to plug in a token.
    #[serde(deserialize_with = "switch")]
    pub insert: bool,
}

impl Default for Notifications {
    fn default() -> Self {
        Self { enabled: true, touch: true, unlock: true, insert: true }
    }
}
