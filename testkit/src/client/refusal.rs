//! An error reply.

use oathbridge::dbus::names;
use zbus::DBusError;

/// An error reply: its name, and the sentence in its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The name; our names without their prefix, such as `Cognito.CodeMismatch`.
    pub name: String,
    /// The sentence.
    pub sentence: String,
}

impl Refusal {
    fn new(name: &str, sentence: Option<&str>) -> Self {
        let name = name.strip_prefix(names::ERROR).unwrap_or(name).to_owned();
        Self { name, sentence: sentence.unwrap_or_default().to_owned() }
    }
}

impl From<zbus::Error> for Refusal {
    fn from(error: zbus::Error) -> Self {
        match &error {
            zbus::Error::MethodError(name, sentence, _) => Self::new(name.as_str(), sentence.as_deref()),
            // The standard names.
            zbus::Error::FDO(error) => Self::new(error.name().as_str(), error.description()),
            other => Self::new("", Some(&other.to_string())),
        }
    }
}
