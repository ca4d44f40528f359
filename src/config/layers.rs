//! The files of the configuration as one document: each key comes from the most important file that has it.

use std::path::Path;

use serde::de::DeserializeOwned;
use toml::de::{DeTable, DeValue};

use super::document::{Document, deserialize};
use super::error::{Error, Problem};

/// Files in the order of their importance, the most important one first.
pub(super) struct Layers<'a>(Vec<Document<'a>>);

impl<'a> Layers<'a> {
    pub(super) fn new(documents: Vec<Document<'a>>) -> Self {
        Self(documents)
    }

    /// Deserializes the merged files. An array is one key, so it comes from one file as a whole.
    pub(super) fn deserialize<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let mut merged = DeTable::new();
        for document in self.0.iter().rev() {
            merge(&mut merged, document.table().clone());
        }
        deserialize(merged).map_err(|fault| match self.owner(fault.keys()) {
            Some(document) => document.explain(&fault),
            None => Error::of_file(Path::new(""), Problem::NotASection(String::new())),
        })
    }

    /// The errors that each file has for itself, also in keys that a more important file replaces.
    pub(super) fn faults<T: DeserializeOwned>(&self) -> Vec<Error> {
        self.0.iter().flat_map(Document::faults::<T>).collect()
    }

    /// An error of a key or a section; an element of an array is given by its number.
    pub(super) fn error(&self, keys: &[impl AsRef<str>], problem: Problem) -> Error {
        match self.owner(keys) {
            Some(document) => document.error(keys, problem),
            // Without a file all keys have their defaults, which have no errors.
            None => Error::of_file(Path::new(""), problem),
        }
    }

    /// The place of a key or section, such as `config.toml:7`.
    pub(super) fn place(&self, keys: &[impl AsRef<str>]) -> String {
        self.owner(keys).map(|document| document.place(keys)).unwrap_or_default()
    }

    /// Whether the key or section is in a file.
    pub(super) fn has(&self, keys: &[impl AsRef<str>]) -> bool {
        self.0.iter().any(|document| document.depth(keys) == keys.len())
    }

    /// The most important of the files that have the most of these keys.
    fn owner(&self, keys: &[impl AsRef<str>]) -> Option<&Document<'a>> {
        // Of equal elements `max_by_key` takes the last one.
        self.0.iter().rev().max_by_key(|document| document.depth(keys))
    }
}

fn merge<'a>(under: &mut DeTable<'a>, over: DeTable<'a>) {
    for (key, value) in over {
        let known = under.get_mut(key.get_ref().as_ref()).map(toml::Spanned::get_mut);
        match (known, value.get_ref()) {
            (Some(DeValue::Table(under)), DeValue::Table(over)) => merge(under, over.clone()),
            _ => drop(under.insert(key, value)),
        }
    }
}
