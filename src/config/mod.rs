//! The configuration file: every key typed, unknown keys refused, parsed once and passed by value.
//!
//! Serde reads each section into its type. `document.rs` converts its errors to one sentence each, with the line and the
//! most similar key, and without values. The files must not contain secrets.
//!
//! `layers.rs` joins the files key by key, and `policy.rs` restricts the result. Each key has one file.

mod access;
mod cognito;
mod document;
mod entry;
mod error;
mod files;
mod hid;
mod layers;
mod limits;
mod load;
mod notifications;
mod pcsc;
mod policy;
mod profile;
mod rule;
mod stamp;
#[cfg(test)]
mod tests;
mod trust;
mod value;
mod warning;

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

pub use access::Access;
pub use cognito::Cognito;
pub use entry::Entry;
pub use error::{Error, Problem};
pub use files::{Files, Reading};
pub use hid::{Hid, OtpSlot};
pub use limits::Limits;
pub use notifications::Notifications;
pub use pcsc::Pcsc;
pub use policy::{Allowed, PolicyAccess};
pub use profile::Profile;
pub use rule::{AccessRule, CallerPattern, Pattern};
pub use warning::Warning;

use document::Document;
use layers::Layers;
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
    /// Contradictions that may be right.
    pub warnings: Vec<Warning>,
}

impl Config {
    /// Parses a configuration. `path` is the name of the file in messages and in [`Profile::source`]. Files that the
    /// configuration names are not read.
    ///
    /// # Errors
    ///
    /// [`Error`] with the line of the first error.
    pub fn parse(text: &str, path: &Path) -> Result<Self, Error> {
        let layers = Layers::new(vec![Document::parse(text, path)?]);
        Self::of(&layers).map_err(|errors| first(errors, path))
    }

    fn of(layers: &Layers<'_>) -> Result<Self, Vec<Error>> {
        let mut config: Self = layers.deserialize().map_err(|error| vec![error])?;
        config.limits.complete(layers);
        let mut errors = config.limits.errors(layers);
        errors.extend(config.hid.error(layers));
        errors.extend(config.access.errors(&config.profiles, layers));
        errors.extend(config.cognito.error(layers));
        for (name, profile) in &mut config.profiles {
            errors.extend(profile.complete(name, &config.cognito, layers).err());
        }
        if errors.is_empty() { Ok(config) } else { Err(errors) }
    }
}

/// The first of some errors.
fn first(errors: Vec<Error>, path: &Path) -> Error {
    let none = || Error::of_file(path, Problem::NotASection(String::new()));
    errors.into_iter().next().unwrap_or_else(none)
}
