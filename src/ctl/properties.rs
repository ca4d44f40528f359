//! The properties of an object of the daemon.

use std::collections::HashMap;

use zbus::{OwnedVariant, Variant};

use crate::dbus::names;

/// The properties of an object. A property that is absent or has another type counts as empty.
pub(super) struct Properties<'map>(pub(super) &'map HashMap<String, OwnedVariant>);

impl Properties<'_> {
    pub(super) fn get<T>(&self, name: &str) -> Option<T>
    where
        T: TryFrom<OwnedVariant>,
    {
        T::try_from(self.0.get(name)?.try_clone().ok()?).ok()
    }

    pub(super) fn text(&self, name: &str) -> String {
        self.get(name).unwrap_or_default()
    }

    pub(super) fn path(&self, name: &str) -> String {
        match self.0.get(name).map(|value| &**value) {
            Some(Variant::ObjectPath(path)) => path.to_string(),
            _ => names::none().to_string(),
        }
    }
}
