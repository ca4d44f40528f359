//! Dictionaries of variants, for options and replies.

use std::collections::HashMap;

use zbus::OwnedVariant;

/// A dictionary as it is on the bus, `a{sv}`.
pub(in crate::dbus) type Map = HashMap<String, OwnedVariant>;

/// A text as a variant.
pub(in crate::dbus) fn variant(text: &str) -> OwnedVariant {
    zbus::Str::from(text).into()
}

/// Adds a text, if there is one.
pub(in crate::dbus) fn put_text(map: &mut Map, key: &str, text: Option<&str>) {
    if let Some(text) = text {
        map.insert(key.to_owned(), variant(text));
    }
}
