//! Every name of the D-Bus contract, once.

use zbus::ObjectPath;

/// The well-known bus name.
pub const BUS: &str = "io.github.oathbridge.OathBridge1";

/// The root object.
pub const ROOT: &str = "/io/github/oathbridge/OathBridge1";

/// What the names of our errors begin with.
pub const ERROR: &str = "io.github.oathbridge.OathBridge1.Error.";

/// Rises with every key, member, value or error that is added.
pub const API_VERSION: u32 = 1;

/// The object of a token.
pub fn token(id: &str) -> ObjectPath<'static> {
    below("tokens", id)
}

/// The object of a credential.
pub fn credential(id: &str) -> ObjectPath<'static> {
    below("credentials", id)
}

/// The object of a profile.
pub fn profile(name: &str) -> ObjectPath<'static> {
    below("profiles", name)
}

/// The object that stands for none.
pub fn none() -> ObjectPath<'static> {
    ObjectPath::from_static_str_unchecked("/")
}

/// The credential's id in a path of ours.
pub fn credential_id<'path>(path: &'path ObjectPath<'_>) -> Option<&'path str> {
    path.as_str().strip_prefix(ROOT)?.strip_prefix("/credentials/")
}

fn below(folder: &str, id: &str) -> ObjectPath<'static> {
    // Ids are made of letters, digits and underscores only, so every one of them is a path element.
    ObjectPath::from_string_unchecked(format!("{ROOT}/{folder}/{id}"))
}
