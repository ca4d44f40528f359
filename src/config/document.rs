//! A configuration file with the line of each key, and serde's errors in our words.

use std::path::Path;

use serde::de::DeserializeOwned;
use serde_path_to_error::{Path as KeyPath, Segment};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{Error, Problem};
use super::value::{ASK, MUST_BE, NOT_A_NAME};

/// The maximum length of a name from the file in a message, in characters.
const MAX_SHOWN_CHARS: usize = 40;

/// A parsed TOML file.
pub(super) struct Document<'a> {
    text: &'a str,
    path: &'a Path,
    tree: Spanned<DeTable<'a>>,
}

impl<'a> Document<'a> {
    /// Parses a text; `path` is the name of the file in messages.
    pub(super) fn parse(text: &'a str, path: &'a Path) -> Result<Self, Error> {
        let tree = DeTable::parse(text).map_err(|error| {
            let problem = Problem::Syntax(error.message().escape_debug().to_string());
            Error::at_line(path, line(text, error.span().unwrap_or_default().start), problem)
        })?;
        Ok(Self { text, path, tree })
    }

    /// Deserializes the file.
    pub(super) fn deserialize<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let deserializer = toml::Deserializer::from(self.tree.clone());
        serde_path_to_error::deserialize(deserializer).map_err(|error| {
            let keys = keys(error.path());
            self.error(&keys, self.problem(&keys, error.inner().message()))
        })
    }

    /// An error of a key or a section; an element of an array is given by its number.
    pub(super) fn error(&self, keys: &[impl AsRef<str>], problem: Problem) -> Error {
        Error::at_line(self.path, line(self.text, self.find(keys).0), problem)
    }

    /// The place of a key or section, such as `config.toml:7`.
    pub(super) fn place(&self, keys: &[impl AsRef<str>]) -> String {
        format!("{}:{}", self.path.display(), line(self.text, self.find(keys).0))
    }

    /// Whether the key or section is in the file.
    pub(super) fn has(&self, keys: &[impl AsRef<str>]) -> bool {
        self.find(keys).1.is_some()
    }

    /// The offset in bytes of the deepest key that exists, and its value if all keys exist.
    fn find(&self, keys: &[impl AsRef<str>]) -> (usize, Option<&DeValue<'a>>) {
        let (mut start, mut found) = (0, None::<&DeValue<'a>>);
        for key in keys.iter().map(AsRef::as_ref) {
            let table = found.map_or(Some(self.tree.get_ref()), DeValue::as_table);
            let entry = table.and_then(|table| table.get_key_value(key));
            let element = || found?.as_array()?.get(key.parse::<usize>().ok()?);
            let next = match entry {
                Some((name, value)) => Some((name.span(), value)),
                None => element().map(|value| (value.span(), value)),
            };
            let Some((span, value)) = next else { return (start, None) };
            (start, found) = (span.start, Some(value.get_ref()));
        }
        (start, found)
    }

    /// Converts serde's message. It may contain values and does not know sections, so only its kind is used.
    fn problem(&self, keys: &[String], message: &str) -> Problem {
        let names: Vec<&str> =
            keys.iter().map(String::as_str).filter(|key| key.parse::<usize>().is_err()).collect();
        let (key, section) = names
            .split_last()
            .map_or((String::new(), String::new()), |(key, section)| (shown(key), section.join(".")));
        let known = message.strip_prefix("unknown field `").and_then(|rest| rest.rsplit_once("`, expected"));
        match (message.strip_prefix(MUST_BE), known) {
            (Some(shape), _) => Problem::Value { key, section, shape: shape.to_owned() },
            (_, Some((name, known))) => self.unknown(keys, section, name, known),
            _ if message == ASK => Problem::Ask(key),
            _ if message == NOT_A_NAME => Problem::ProfileName(key),
            _ if message == "missing field `caller`" => Problem::NoCaller,
            _ if message == "missing field `serial`" => Problem::SlotNeeds("serial"),
            _ if message == "missing field `slot`" => Problem::SlotNeeds("slot"),
            _ if message == "missing field `account`" => Problem::SlotNeeds("account"),
            _ if message.ends_with("a sequence") || names.len() < keys.len() => {
                Problem::NotTables(names.join("."))
            }
            _ => Problem::NotASection(names.join(".")),
        }
    }

    fn unknown(&self, keys: &[String], section: String, name: &str, known: &str) -> Problem {
        let nearest = nearest(name, known.split('`').skip(1).step_by(2));
        match self.find(keys).1 {
            // For serde a date is a table.
            None => Problem::NotASection(section),
            Some(_) if !section.is_empty() => Problem::UnknownKey { key: shown(name), section, nearest },
            Some(value) if value.as_table().is_none() => Problem::OutsideSection(shown(name)),
            Some(_) => Problem::UnknownSection { name: shown(name), nearest },
        }
    }
}

/// The line number of a byte offset, from 1.
fn line(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count().saturating_add(1)
}

fn keys(path: &KeyPath) -> Vec<String> {
    let key = |segment: &Segment| match segment {
        Segment::Map { key } => Some(key.clone()),
        Segment::Seq { index } => Some(index.to_string()),
        Segment::Enum { .. } | Segment::Unknown => None,
    };
    path.iter().filter_map(key).collect()
}

/// A name from the file for a message: one short line, whatever its content.
fn shown(name: &str) -> String {
    name.chars().take(MAX_SHOWN_CHARS).flat_map(char::escape_debug).collect()
}

fn nearest<'known>(name: &str, known: impl Iterator<Item = &'known str>) -> Option<String> {
    // Comparing a long name is expensive, and no known name is similar to it.
    let name: String =
        name.chars().take(MAX_SHOWN_CHARS).collect::<String>().to_lowercase().replace('-', "_");
    let limit = name.chars().count().div_ceil(3).max(2);
    let distances = known.map(|known| (strsim::osa_distance(&name, known), known));
    distances.min().filter(|(distance, _)| *distance <= limit).map(|(_, known)| known.to_owned())
}
