//! The configuration file: every key typed, unknown keys refused, parsed once and passed by value.
//!
//! The file is read as a tree that knows its lines, and each section takes its keys out of it; so every complaint
//! is one sentence that names the line, and the nearest key that exists. Secrets don't belong into the file.

mod access;
mod cognito;
mod error;
mod file;
mod limits;
mod notifications;
mod pcsc;
mod profile;
mod section;
#[cfg(test)]
mod tests;
mod value;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use toml::de::DeTable;

pub use access::{Access, AccessRule, Party, Pattern};
pub use cognito::Cognito;
pub use error::{Error, Problem};
pub use limits::Limits;
pub use notifications::Notifications;
pub use pcsc::Pcsc;
pub use profile::Profile;
use section::{Document, Section};

/// Everything that can be configured. The default is what holds without a file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// `[pcsc]`: smart card readers.
    pub pcsc: Pcsc,
    /// `[access]`: who may do what.
    pub access: Access,
    /// `[limits]`: how much may be asked for.
    pub limits: Limits,
    /// `[notifications]`: what persons are told on the desktop.
    pub notifications: Notifications,
    /// `[cognito]`: how requests to Amazon Cognito are made.
    pub cognito: Cognito,
    /// `[profiles.NAME]`: which pool and which credential belong together, by name.
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
    /// `/etc/oathbridge/config.toml`; without any of them the defaults hold.
    ///
    /// # Errors
    ///
    /// [`Error`] if the file can't be read, if somebody else can write it, or if it isn't a configuration.
    pub fn load(explicit: Option<&Path>) -> Result<Loaded, Error> {
        Self::load_first(explicit, &file::standard_places())
    }

    /// Reads a configuration from its text. `path` is what messages and [`Profile::source`] call the file.
    ///
    /// # Errors
    ///
    /// [`Error`] with the line of the first thing that is wrong.
    pub fn parse(text: &str, path: &Path) -> Result<Self, Error> {
        let document = Document::new(text, path);
        let root = DeTable::parse(text).map_err(|error| document.syntax_error(&error))?;
        let root = root.get_ref();
        document.has_only_sections(root)?;
        let cognito = Cognito::read(&Section::find(&document, root, Cognito::SECTION, Cognito::KEYS)?)?;
        let find = |name, keys| Section::find(&document, root, name, keys);
        Ok(Self {
            access: Access::read(&document, &find(Access::SECTION, Access::KEYS)?)?,
            limits: Limits::read(&find(Limits::SECTION, Limits::KEYS)?)?,
            notifications: Notifications::read(&find(Notifications::SECTION, Notifications::KEYS)?)?,
            pcsc: Pcsc::read(&find(Pcsc::SECTION, Pcsc::KEYS)?)?,
            profiles: Profile::read_all(&document, root.get(Profile::SECTION), &cognito)?,
            cognito,
        })
    }

    fn load_first(explicit: Option<&Path>, places: &[PathBuf]) -> Result<Loaded, Error> {
        if let Some(path) = explicit {
            let text = file::read(path)?;
            return Ok(Loaded { config: Self::parse(&text, path)?, source: Some(path.to_owned()) });
        }
        for path in places {
            match file::read(path) {
                Ok(text) => {
                    return Ok(Loaded { config: Self::parse(&text, path)?, source: Some(path.clone()) });
                }
                Err(error) if error.is_not_found() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Loaded { config: Self::default(), source: None })
    }
}
