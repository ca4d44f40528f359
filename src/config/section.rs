//! The tree of the file, section by section, with the line of everything.

use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::error::{Error, Problem};
use super::{Access, Cognito, Limits, Notifications, Pcsc, Profile};

const SECTIONS: &[&str] = &[
    Pcsc::SECTION,
    Access::SECTION,
    Limits::SECTION,
    Notifications::SECTION,
    Cognito::SECTION,
    Profile::SECTION,
];

/// Names from the file are shortened to this in messages.
const LONGEST_NAME: usize = 40;

/// The text of a file, for messages.
pub(super) struct Document<'a> {
    text: &'a str,
    path: &'a Path,
}

impl<'a> Document<'a> {
    pub(super) fn new(text: &'a str, path: &'a Path) -> Self {
        Self { text, path }
    }

    /// Checks the top level.
    pub(super) fn has_only_sections(&self, root: &DeTable<'_>) -> Result<(), Error> {
        let mut unknown =
            root.iter().filter(|(name, _)| !SECTIONS.iter().any(|known| known == name.get_ref()));
        let Some((name, value)) = unknown.next() else { return Ok(()) };
        let problem = match value.get_ref().as_table() {
            None => Problem::OutsideSection(shown(name.get_ref())),
            Some(_) => Problem::UnknownSection {
                name: shown(name.get_ref()),
                nearest: nearest(name.get_ref(), SECTIONS),
            },
        };
        Err(self.error(name.span(), problem))
    }

    /// The keys of a section.
    pub(super) fn table<'t>(
        &self,
        name: &str,
        value: &'t Spanned<DeValue<'t>>,
    ) -> Result<&'t DeTable<'t>, Error> {
        let not_a_section = || self.error(value.span(), Problem::NotASection(name.to_owned()));
        value.get_ref().as_table().ok_or_else(not_a_section)
    }

    pub(super) fn error(&self, at: Range<usize>, problem: Problem) -> Error {
        Error::at_line(self.path, self.line(at.start), problem)
    }

    pub(super) fn syntax_error(&self, error: &toml::de::Error) -> Error {
        let problem = Problem::Syntax(error.message().escape_debug().to_string());
        self.error(error.span().unwrap_or_default(), problem)
    }

    fn line(&self, offset: usize) -> usize {
        let before = self.text.bytes().take(offset);
        before.filter(|byte| *byte == b'\n').count().saturating_add(1)
    }
}

/// One section, whose keys are known to exist.
pub(super) struct Section<'a> {
    document: &'a Document<'a>,
    name: &'a str,
    at: Range<usize>,
    table: Option<&'a DeTable<'a>>,
}

impl<'a> Section<'a> {
    /// The section `name` of the top level; one that isn't there has no keys.
    pub(super) fn find(
        document: &'a Document<'a>,
        root: &'a DeTable<'a>,
        name: &'a str,
        keys: &'static [&'static str],
    ) -> Result<Self, Error> {
        match root.get_key_value(name) {
            Some((key, value)) => Self::open(document, name, (key, value), keys),
            None => Ok(Self { document, name, at: 0..0, table: None }),
        }
    }

    /// The section `name`, if the entry is one and has no key outside `keys`.
    pub(super) fn open(
        document: &'a Document<'a>,
        name: &'a str,
        (key, value): (&Spanned<DeString<'_>>, &'a Spanned<DeValue<'a>>),
        keys: &'static [&'static str],
    ) -> Result<Self, Error> {
        let at = key.span();
        Self::of(document, name, at, document.table(name, value)?, keys)
    }

    fn of(
        document: &'a Document<'a>,
        name: &'a str,
        at: Range<usize>,
        table: &'a DeTable<'a>,
        keys: &'static [&'static str],
    ) -> Result<Self, Error> {
        let Some(unknown) = table.keys().find(|key| !keys.iter().any(|known| known == key.get_ref())) else {
            return Ok(Self { document, name, at, table: Some(table) });
        };
        let nearest = nearest(unknown.get_ref(), keys);
        let problem =
            Problem::UnknownKey { key: shown(unknown.get_ref()), section: name.to_owned(), nearest };
        Err(document.error(unknown.span(), problem))
    }

    /// Its name, as in messages.
    pub(super) fn name(&self) -> String {
        self.name.to_owned()
    }

    /// Where it starts, as `config.toml:7`.
    pub(super) fn place(&self) -> String {
        format!("{}:{}", self.document.path.display(), self.document.line(self.at.start))
    }

    /// Something that is wrong with all of it.
    pub(super) fn error(&self, problem: Problem) -> Error {
        self.document.error(self.at.clone(), problem)
    }

    /// Something that is wrong with a key.
    pub(super) fn key_error(&self, key: &str, problem: Problem) -> Error {
        let found = self.table.and_then(|table| table.get_key_value(key));
        self.document.error(found.map_or_else(|| self.at.clone(), |(name, _)| name.span()), problem)
    }

    /// The value of a key as it is.
    pub(super) fn value(&self, key: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.table.and_then(|table| table.get(key))
    }

    /// The value of a key: `None` if the key isn't there, an error if `check` doesn't take it for a `shape`.
    pub(super) fn get<T>(
        &self,
        key: &str,
        shape: &'static str,
        check: impl FnOnce(&DeValue<'_>) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        let found = self.table.and_then(|table| table.get_key_value(key));
        let Some((name, value)) = found else { return Ok(None) };
        match check(value.get_ref()) {
            Some(value) => Ok(Some(value)),
            None => {
                let problem = Problem::Value { key: key.to_owned(), section: self.name.to_owned(), shape };
                Err(self.document.error(name.span(), problem))
            }
        }
    }
}

/// The sections of an array of tables, as `[[access.rule]]` makes one.
pub(super) fn tables<'a>(
    document: &'a Document<'a>,
    name: &'a str,
    value: &'a Spanned<DeValue<'a>>,
    keys: &'static [&'static str],
) -> Result<Vec<Section<'a>>, Error> {
    let not_tables = || document.error(value.span(), Problem::NotTables(name.to_owned()));
    let elements = value.get_ref().as_array().ok_or_else(not_tables)?;
    let section = |element: &'a Spanned<DeValue<'a>>| {
        let table = element.get_ref().as_table().ok_or_else(not_tables)?;
        Section::of(document, name, element.span(), table, keys)
    };
    elements.iter().map(section).collect()
}

/// A name from the file as messages show it: one short line, whatever is in it.
pub(super) fn shown(name: &str) -> String {
    name.chars().take(LONGEST_NAME).flat_map(char::escape_debug).collect()
}

fn nearest(name: &str, known: &[&'static str]) -> Option<&'static str> {
    // A long name costs a lot to compare and is near to nothing.
    let name: String = name.chars().take(LONGEST_NAME).collect::<String>().to_lowercase().replace('-', "_");
    let limit = name.chars().count().div_ceil(3).max(2);
    let distances = known.iter().map(|known| (strsim::osa_distance(&name, known), *known));
    distances.min().filter(|(distance, _)| *distance < limit.saturating_add(1)).map(|(_, known)| known)
}
