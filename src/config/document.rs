//! A configuration file with the line of each key, and serde's errors in our words.

use std::path::Path;

use serde::de::DeserializeOwned;
use serde_path_to_error::{Path as KeyPath, Segment};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{Error, Problem};
use super::profile::PROFILE_KEYS;
use super::value::{ASK, MUST_BE, NOT_A_NAME};

/// The maximum length of a name from the file in a message, in characters.
const MAX_SHOWN_CHARS: usize = 40;

/// The maximum number of errors that are listed for one file.
const MAX_FAULTS: usize = 50;

/// An error of serde, and the keys that lead to it.
pub(super) struct Fault {
    keys: Vec<String>,
    message: String,
}

impl Fault {
    pub(super) fn keys(&self) -> &[String] {
        &self.keys
    }

    /// Whether the only fault is that one of these keys is missing.
    fn lacks_one_of(&self, removed: &[Vec<String>]) -> bool {
        let missing = self.message.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`'));
        missing.is_some_and(|key| {
            let is_it = |(last, section): (&String, &[String])| last == key && section == self.keys;
            removed.iter().any(|keys| keys.split_last().is_some_and(is_it))
        })
    }

    fn is_an_element(&self) -> bool {
        self.keys.last().is_some_and(|key| key.parse::<usize>().is_ok())
    }
}

/// A parsed TOML file.
#[derive(Clone)]
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

    /// Every error that deserializing the file as a `T` has, by line; each faulty key is left out to find the next one.
    pub(super) fn faults<T: DeserializeOwned>(&self) -> Vec<Error> {
        let (mut rest, mut errors, mut removed) = (self.clone(), Vec::new(), Vec::new());
        while let Err(fault) = deserialize::<T>(rest.table().clone()) {
            if !fault.lacks_one_of(&removed) {
                errors.push(rest.explain(&fault));
            }
            if errors.len() == MAX_FAULTS || !remove(rest.tree.get_mut(), &fault.keys) {
                break;
            }
            match fault.is_an_element() {
                // The numbers of the following elements have changed.
                true => removed.clear(),
                false => removed.push(fault.keys),
            }
        }
        errors.sort_by_key(Error::line);
        errors
    }

    /// The error for a fault in this file.
    pub(super) fn explain(&self, fault: &Fault) -> Error {
        self.error(&fault.keys, self.problem(&fault.keys, &fault.message))
    }

    /// The keys and their values.
    pub(super) fn table(&self) -> &DeTable<'a> {
        self.tree.get_ref()
    }

    /// An error of a key or a section; an element of an array is given by its number.
    pub(super) fn error(&self, keys: &[impl AsRef<str>], problem: Problem) -> Error {
        Error::at_line(self.path, line(self.text, self.find(keys).0), problem)
    }

    /// The place of a key or section, such as `config.toml:7`.
    pub(super) fn place(&self, keys: &[impl AsRef<str>]) -> String {
        format!("{}:{}", self.path.display(), line(self.text, self.find(keys).0))
    }

    /// How many of these keys, one inside of the other, are in the file.
    pub(super) fn depth(&self, keys: &[impl AsRef<str>]) -> usize {
        let exists = |count: &usize| self.find(keys.get(..*count).unwrap_or_default()).1.is_some();
        (1..=keys.len()).take_while(exists).count()
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
            _ if is_of_profile(&names) => Problem::UnnamedProfile(key),
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

/// Whether the keys lead to a key of a profile directly in `[profiles]`, which is then meant to be a profile.
fn is_of_profile(keys: &[&str]) -> bool {
    matches!(keys, ["profiles", key] if PROFILE_KEYS.contains(key))
}

/// Deserializes a table.
pub(super) fn deserialize<T: DeserializeOwned>(table: DeTable<'_>) -> Result<T, Fault> {
    let deserializer = toml::Deserializer::from(Spanned::new(0..0, table));
    serde_path_to_error::deserialize(deserializer)
        .map_err(|error| Fault { keys: keys(error.path()), message: error.inner().message().to_owned() })
}

/// Removes what the keys lead to; whether it was there.
fn remove(table: &mut DeTable<'_>, keys: &[String]) -> bool {
    match keys {
        [] => false,
        [key] => table.remove(key.as_str()).is_some(),
        [key, rest @ ..] => {
            table.get_mut(key.as_str()).is_some_and(|value| remove_inside(value.get_mut(), rest))
        }
    }
}

fn remove_inside(value: &mut DeValue<'_>, keys: &[String]) -> bool {
    match (value, keys) {
        (DeValue::Table(table), keys) => remove(table, keys),
        (DeValue::Array(array), [index, rest @ ..]) => {
            let Ok(index) = index.parse::<usize>() else { return false };
            if !rest.is_empty() {
                return array.get_mut(index).is_some_and(|element| remove_inside(element.get_mut(), rest));
            }
            let length = array.len();
            let others = array.clone().into_iter().enumerate().filter(|(place, _)| *place != index);
            *array = others.map(|(_, element)| element).collect();
            array.len() < length
        }
        _ => false,
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
