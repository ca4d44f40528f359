//! The configuration file: every key typed, unknown keys refused, parsed once and passed by value.
//!
//! Serde reads each section into its type. `document.rs` converts its errors to one sentence each, with the line and the
//! most similar key, and without values. The file must not contain secrets.

mod access;
mod cognito;
mod document;
mod error;
mod file;
mod files;
mod hid;
mod limits;
mod notifications;
mod pcsc;
mod profile;
#[cfg(test)]
mod tests;
mod value;

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

pub use access::{Access, AccessRule, CallerPattern, Pattern};
pub use cognito::Cognito;
pub use error::{Error, Problem};
pub use files::{Files, Reading};
pub use hid::{Hid, OtpSlot};
pub use limits::Limits;
pub use notifications::Notifications;
pub use pcsc::Pcsc;
pub use profile::Profile;

use document::Document;
use profile::profiles;
use value::section;

/// The whole configuration. The default applies without a file.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// `[pcsc]`: smart card readers.
    #[serde(deserialize_with = "section")]
    pub pcsc: Pcsc,
    /// `[hid]`: tokens over HID.
    #[serde(deserialize_with = "section")]
    pub hid: Hid,
    /// `[access]`: the permissions of callers.
    #[serde(deserialize_with = "section")]
    pub access: Access,
    /// `[limits]`: the limits of calls.
    #[serde(deserialize_with = "section")]
    pub limits: Limits,
    /// `[notifications]`: the notifications on the desktop.
    #[serde(deserialize_with = "section")]
    pub notifications: Notifications,
    /// `[cognito]`: the settings for requests to Amazon Cognito.
    #[serde(deserialize_with = "section")]
    pub cognito: Cognito,
    /// `[profiles.NAME]`: user pools and their credentials, by name.
    #[serde(deserialize_with = "profiles")]
    pub profiles: BTreeMap<String, Profile>,
}

/// The configuration of files.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
}

impl Config {
    /// Parses a configuration. `path` is the name of the file in messages and in [`Profile::source`]. Files that the
    /// configuration names are not read.
    ///
    /// # Errors
    ///
    /// [`Error`] with the line of the first error.
    pub fn parse(text: &str, path: &Path) -> Result<Self, Error> {
        Self::of(&Document::parse(text, path)?)
    }

    fn of(document: &Document<'_>) -> Result<Self, Error> {
        let mut config: Self = document.deserialize()?;
        config.limits.complete(document);
        config.limits.check(document)?;
        config.hid.check(document)?;
        config.access.check(&config.profiles, document)?;
        config.cognito.check(document)?;
        for (name, profile) in &mut config.profiles {
            profile.complete(name, &config.cognito, document)?;
        }
        Ok(config)
    }

    fn load_file(path: &Path) -> Result<Loaded, Error> {
        let text = file::read(path)?;
        let document = Document::parse(&text, path)?;
        let mut config = Self::of(&document)?;
        config.cognito.load(&document)?;
        Ok(Loaded { config })
    }
}
