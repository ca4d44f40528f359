//! The names of the D-Bus contract.

use zbus::ObjectPath;

use crate::oath::{MAX_ID_BYTES, ObjectId, TokenId};

/// The well-known bus name.
pub const BUS: &str = "io.github.oathbridge.OathBridge1";

/// The name of the bus itself (D-Bus Specification, "Message Bus Messages").
pub const DRIVER: &str = "org.freedesktop.DBus";

/// The root object.
pub const ROOT: &str = "/io/github/oathbridge/OathBridge1";

/// The prefix of our error names.
pub const ERROR: &str = "io.github.oathbridge.OathBridge1.Error.";

/// The interface `Manager` of the root object.
pub const MANAGER: &str = "io.github.oathbridge.OathBridge1.Manager";

/// The interface of credentials.
pub const CREDENTIAL: &str = "io.github.oathbridge.OathBridge1.Credential";

/// Rises with every key, member, value or error that is added.
pub const API_VERSION: u32 = 2;

/// The prompt object.
pub const PROMPT: &str = "/io/github/oathbridge/OathBridge1/prompt";

/// Its interface.
pub const PROMPT_INTERFACE: &str = "io.github.oathbridge.OathBridge1.Prompt";

/// The object of a token.
pub fn token(id: &TokenId) -> ObjectPath<'static> {
    below("tokens", id.as_str())
}

/// The object of a credential.
pub fn credential(id: &ObjectId) -> ObjectPath<'static> {
    below("credentials", &id.to_string())
}

/// The object of a profile.
pub fn profile(name: &str) -> ObjectPath<'static> {
    below("profiles", name)
}

/// The object of an operation: from its caller's unique name, and the handle or our number.
pub fn operation(caller: &str, handle: Option<&str>, number: u64) -> ObjectPath<'static> {
    let caller = caller.trim_start_matches(':').replace('.', "_");
    match handle {
        Some(handle) => below("operations", &format!("{caller}/{handle}")),
        None => below("operations", &format!("{caller}/{number}__")),
    }
}

/// Whether the text is a valid handle: 1 to 64 letters, digits and underscores.
pub fn is_handle(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Whether the handle has the form that [`operation`] creates for calls without a handle.
pub fn is_taken(handle: &str) -> bool {
    let number = handle.strip_suffix("__").filter(|number| !number.is_empty());
    number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether a part of the path is longer than every id.
pub fn has_long_id(path: &str) -> bool {
    path.len() > MAX_ID_BYTES && path.split('/').any(|part| part.len() > MAX_ID_BYTES)
}

/// The path `/`, which means no object.
pub fn none() -> ObjectPath<'static> {
    ObjectPath::from_static_str_unchecked("/")
}

/// The credential's id in one of our paths.
pub fn credential_id(path: &ObjectPath<'_>) -> Option<ObjectId> {
    ObjectId::parse(path.as_str().strip_prefix(ROOT)?.strip_prefix("/credentials/")?).ok()
}

fn below(folder: &str, id: &str) -> ObjectPath<'static> {
    // Ids are made of letters, digits and underscores only, so every one of them is a path element.
    ObjectPath::from_string_unchecked(format!("{ROOT}/{folder}/{id}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_long_from_201_bytes_on_wherever_it_is_in_the_path() {
        let path = |id: usize, after: &str| format!("{ROOT}/credentials/{}{after}", "x".repeat(id));
        for (id, after, is_long) in
            [(200, "", false), (201, "", true), (200, "/more", false), (201, "/more", true)]
        {
            assert_eq!(has_long_id(&path(id, after)), is_long, "{id} {after}");
        }
        assert!(!has_long_id(&"/part".repeat(1_000)));
    }
}
