//! Every name of the D-Bus contract, once.

use zbus::ObjectPath;

use crate::oath::{ObjectId, TokenId};

/// The well-known bus name.
pub const BUS: &str = "io.github.oathbridge.OathBridge1";

/// The root object.
pub const ROOT: &str = "/io/github/oathbridge/OathBridge1";

/// What the names of our errors begin with.
pub const ERROR: &str = "io.github.oathbridge.OathBridge1.Error.";

/// The interface of the root that isn't about Cognito.
pub const MANAGER: &str = "io.github.oathbridge.OathBridge1.Manager";

/// The interface of credentials.
pub const CREDENTIAL: &str = "io.github.oathbridge.OathBridge1.Credential";

/// Rises with every key, member, value or error that is added.
pub const API_VERSION: u32 = 2;

/// The object that says what a person has to do now.
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

/// The object of an operation: its caller's unique name, and the caller's handle or else our number.
pub fn operation(caller: &str, handle: Option<&str>, number: u64) -> ObjectPath<'static> {
    let caller = caller.trim_start_matches(':').replace('.', "_");
    match handle {
        Some(handle) => below("operations", &format!("{caller}/{handle}")),
        None => below("operations", &format!("{caller}/{number}__")),
    }
}

/// True for what can be a handle: 1 to 64 letters, digits and underscores.
pub fn is_handle(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// True for the handles that stand for those who have none, as [`operation`] makes them.
pub fn is_taken(handle: &str) -> bool {
    let number = handle.strip_suffix("__").filter(|number| !number.is_empty());
    number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The object that stands for none.
pub fn none() -> ObjectPath<'static> {
    ObjectPath::from_static_str_unchecked("/")
}

/// The credential's id in a path of ours.
pub fn credential_id(path: &ObjectPath<'_>) -> Option<ObjectId> {
    ObjectId::parse(path.as_str().strip_prefix(ROOT)?.strip_prefix("/credentials/")?).ok()
}

fn below(folder: &str, id: &str) -> ObjectPath<'static> {
    // Ids are made of letters, digits and underscores only, so every one of them is a path element.
    ObjectPath::from_string_unchecked(format!("{ROOT}/{folder}/{id}"))
}
