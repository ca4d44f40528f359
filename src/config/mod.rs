//! The configuration file: every key typed, unknown keys refused, parsed once and passed by value.
//!
//! Serde reads each section into its type; `document.rs` turns its complaints into one sentence each that names the
//! line, and the nearest key that exists, and repeats no value. Secrets don't belong into the file.

mod access;
mod cognito;
mod document;
mod error;
mod file;
mod limits;
mod notifications;
mod pcsc;
mod profile;
#[cfg(test)]
mod tests;
mod value;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

pub use access::{Access, AccessRule, Party, Pattern};
pub use cognito::Cognito;
pub use error::{Error, Problem};
pub use limits::Limits;
pub use notifications::Notifications;
pub use pcsc::Pcsc;
pub use profile::Profile;

use document::Document;
use profile::profiles;
use value::section;

/// Everything that can be configured. The default is what holds without a file.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// `[pcsc]`: smart card readers.
    #[serde(deserialize_with = "section")]
    pub pcsc: Pcsc,
    /// `[access]`: who may do what.
    #[serde(deserialize_with = "section")]
    pub access: Access,
    /// `[limits]`: how much may be asked for.
    #[serde(deserialize_with = "section")]
    pub limits: Limits,
    /// `[notifications]`: what persons are told on the desktop.
    #[serde(deserialize_with = "section")]
    pub notifications: Notifications,
    /// `[cognito]`: how requests to Amazon Cognito are made.
    #[serde(deserialize_with = "section")]
    pub cognito: Cognito,
    /// `[profiles.NAME]`: which pool and which credential belong together, by name.
    #[serde(deserialize_with = "profiles")]
    pub profiles: BTreeMap<String, Profile>,
}

/// A configuration and where it came from.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// The file it was read from; `None` for the defaults.
    pub source: Option<PathBuf>,
}

impl Config {
    /// Reads `explicit`, else `$XDG_CONFIG_HOME/oathbridge/config.toml` (`~/.config` if unset), else
    /// `/etc/oathbridge/config.toml`; without any of them the defaults hold. Reads the files that it names, too. May
    /// block.
    ///
    /// # Errors
    ///
    /// [`Error`] if the file can't be read, if somebody else can write it, or if it isn't a configuration.
    pub fn load(explicit: Option<&Path>) -> Result<Loaded, Error> {
        Self::load_first(explicit, &file::standard_places())
    }

    /// Reads a configuration from its text. `path` is what messages and [`Profile::source`] call the file. Files that
    /// it names are not read.
    ///
    /// # Errors
    ///
    /// [`Error`] with the line of the first thing that is wrong.
    pub fn parse(text: &str, path: &Path) -> Result<Self, Error> {
        Self::of(&Document::parse(text, path)?)
    }

    fn of(document: &Document<'_>) -> Result<Self, Error> {
        let mut config: Self = document.deserialize()?;
        config.limits.complete(document);
        config.limits.check(document)?;
        config.access.check(document)?;
        config.cognito.check(document)?;
        for (name, profile) in &mut config.profiles {
            profile.complete(name, &config.cognito, document)?;
        }
        Ok(config)
    }

    fn load_first(explicit: Option<&Path>, places: &[PathBuf]) -> Result<Loaded, Error> {
        if let Some(path) = explicit {
            return Self::load_file(path);
        }
        for path in places {
            match Self::load_file(path) {
                Err(error) if error.is_not_found() => {}
                loaded => return loaded,
            }
        }
        Ok(Loaded { config: Self::default(), source: None })
    }

    fn load_file(path: &Path) -> Result<Loaded, Error> {
        let text = file::read(path)?;
        let document = Document::parse(&text, path)?;
        let mut config = Self::of(&document)?;
        config.cognito.load(&document)?;
        Ok(Loaded { config, source: Some(path.to_owned()) })
    }
}
