//! Each key of the configuration with its value and its file, for people.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use toml::de::{DeTable, DeValue};

use super::document::Document;
use super::limits::Limits;

/// The shipped file, which lists every key with its default behind a `#`.
const SHIPPED: &str = include_str!("../../config/oathbridge.toml");

/// The permission that a policy can only deny.
const WHILE_LOCKED: &str = "access.while_locked";

/// A key with its value and the file that it comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The section and the key, for example `cognito.fips`; a list is one key. The keys of the policy start with `policy`.
    pub key: String,
    /// The value.
    pub value: Value,
    /// The file; `None` for the default.
    pub file: Option<PathBuf>,
}

/// The keys of valid files, the most important one first, those of the policy last. A `replaced` key of the policy also
/// replaces that of the files.
pub(super) fn entries(
    files: &[(PathBuf, String)],
    policy: Option<&(PathBuf, String)>,
    replaced: &[&str],
) -> Vec<Entry> {
    let mut entries: Vec<Entry> = keys(&uncommented(), None);
    for (path, text) in files.iter().rev() {
        keys(text, Some(path)).into_iter().for_each(|entry| put(&mut entries, entry));
    }
    let of_policy = policy.map(|(path, text)| keys(text, Some(path))).unwrap_or_default();
    let replaces = |entry: &&Entry| {
        replaced.contains(&entry.key.as_str()) || (entry.key == WHILE_LOCKED && entry.value == "deny")
    };
    for entry in of_policy.iter().filter(replaces) {
        put(&mut entries, entry.clone());
    }
    entries
        .extend(of_policy.into_iter().map(|entry| Entry { key: format!("policy.{}", entry.key), ..entry }));
    entries
}

/// Replaces defaults of limits that follow from other limits by the values in force.
pub(super) fn derive(entries: &mut [Entry], limits: &Limits) {
    for (key, value) in limits.derived() {
        let key = format!("limits.{key}");
        if let Some(entry) = entries.iter_mut().find(|entry| entry.file.is_none() && entry.key == key) {
            entry.value = Value::from(value);
        }
    }
}

fn put(entries: &mut Vec<Entry>, entry: Entry) {
    match entries.iter_mut().find(|known| known.key == entry.key) {
        Some(known) => *known = entry,
        None => entries.push(entry),
    }
}

/// A commented-out key starts with `#` without a space; explanations have a space, and examples `## `.
fn uncommented() -> String {
    let line = |line: &'static str| match line.strip_prefix('#') {
        Some(key) if !key.starts_with([' ', '#']) => key,
        _ => line,
    };
    SHIPPED.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// The keys of a file in its order.
fn keys(text: &str, path: Option<&Path>) -> Vec<Entry> {
    let Ok(document) = Document::parse(text, path.unwrap_or(Path::new(""))) else { return Vec::new() };
    let mut found = Vec::new();
    flatten(document.table(), "", &mut found);
    found.sort_by_key(|(start, ..)| *start);
    let entry = |(_, key, value)| Entry { key, value, file: path.map(Path::to_owned) };
    found.into_iter().map(entry).collect()
}

fn flatten(table: &DeTable<'_>, section: &str, found: &mut Vec<(usize, String, Value)>) {
    for (key, value) in table {
        let name = format!("{section}{}", key.get_ref());
        match value.get_ref() {
            DeValue::Table(table) => flatten(table, &format!("{name}."), found),
            value => found.push((key.span().start, name, json(value))),
        }
    }
}

fn json(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Integer(number) => {
            i64::from_str_radix(number.as_str(), number.radix()).map_or(Value::Null, Value::from)
        }
        DeValue::Float(number) => number.as_str().parse::<f64>().map_or(Value::Null, Value::from),
        DeValue::Boolean(switch) => Value::Bool(*switch),
        DeValue::Datetime(time) => Value::String(time.to_string()),
        DeValue::Array(array) => array.iter().map(|value| json(value.get_ref())).collect(),
        DeValue::Table(table) => {
            let members = table.iter().map(|(key, value)| (key.get_ref().to_string(), json(value.get_ref())));
            Value::Object(members.collect::<Map<_, _>>())
        }
    }
}
