//! Options of a call: `a{sv}` with hyphenated keys, each typed, and none ignored.

use std::collections::HashMap;
use std::time::Duration;

use zbus::{Fd, OwnedObjectPath, OwnedVariant, Variant};

use super::descriptor::Passed;
use super::values::Map;
use crate::dbus::error::Error;
use crate::dbus::names;
use crate::secret::SecretText;

/// The default of the option timeout, in seconds; D-Bus clients give up after 25 seconds.
const DEFAULT_TIMEOUT_SECONDS: u32 = 22;

/// The options of every call that may wait.
#[derive(Clone, Debug)]
pub(in crate::dbus) struct Common {
    pub(in crate::dbus) timeout: Duration,
    pub(in crate::dbus) handle: Option<String>,
    pub(in crate::dbus) interactive: bool,
    pub(in crate::dbus) own_prompt: bool,
    pub(in crate::dbus) wait_for_token: bool,
}

/// The options of one call. [`Options::finish`] refuses options that were not taken.
pub(in crate::dbus) struct Options {
    map: Map,
    known: Vec<&'static str>,
}

impl Options {
    pub(in crate::dbus) fn new(map: Map) -> Self {
        Self { map, known: Vec::new() }
    }

    pub(in crate::dbus) fn flag(&mut self, key: &'static str, default: bool) -> Result<bool, Error> {
        self.take(key, "a boolean", |value| bool::try_from(value).ok()).map(|flag| flag.unwrap_or(default))
    }

    pub(in crate::dbus) fn number(&mut self, key: &'static str) -> Result<Option<u32>, Error> {
        self.take(key, "an unsigned 32-bit number", |value| u32::try_from(value).ok())
    }

    pub(in crate::dbus) fn text(&mut self, key: &'static str) -> Result<Option<String>, Error> {
        self.take(key, "a string", |value| String::try_from(value).ok())
    }

    pub(in crate::dbus) fn object(&mut self, key: &'static str) -> Result<Option<OwnedObjectPath>, Error> {
        self.take(key, "an object path", |value| OwnedObjectPath::try_from(value).ok())
    }

    /// `timeout`, 1 to 900 seconds.
    fn timeout(&mut self) -> Result<Duration, Error> {
        match self.number("timeout")?.unwrap_or(DEFAULT_TIMEOUT_SECONDS) {
            seconds @ 1..=900 => Ok(Duration::from_secs(seconds.into())),
            _ => Err(Error::invalid(
                "The option timeout must be 1 to 900 seconds; pass a number in that range",
            )),
        }
    }

    /// Texts by name; empty without the option.
    pub(in crate::dbus) fn texts(&mut self, key: &'static str) -> Result<HashMap<String, String>, Error> {
        let texts = self.take(key, "a dictionary of strings (a{ss})", |value| value.try_into().ok())?;
        Ok(texts.unwrap_or_default())
    }

    /// The options of every call that may wait.
    pub(in crate::dbus) fn common(&mut self) -> Result<Common, Error> {
        Ok(Common {
            timeout: self.timeout()?,
            handle: self.handle()?,
            interactive: self.flag("interactive", true)?,
            own_prompt: self.flag("own-prompt", false)?,
            wait_for_token: self.flag("wait-for-token", false)?,
        })
    }

    fn handle(&mut self) -> Result<Option<String>, Error> {
        match self.text("handle-token")? {
            Some(handle) if names::is_taken(&handle) => Err(Error::handle_in_use()),
            Some(handle) if !names::is_handle(&handle) => Err(Error::invalid(
                "The option handle-token must be 1 to 64 letters A-Z, a-z, digits and underscores; pass such a name",
            )),
            handle => Ok(handle),
        }
    }

    /// A secret: a string, or a descriptor, which is read after all other checks.
    pub(in crate::dbus) fn secret(&mut self, key: &'static str) -> Result<Option<Passed>, Error> {
        self.known.push(key);
        match self.map.remove(key).map(Variant::from) {
            None => Ok(None),
            Some(Variant::Str(text)) => Ok(Some(Passed::Text(SecretText::new(text.as_str().to_owned())))),
            Some(Variant::Fd(fd)) => Ok(Some(Passed::Descriptor(fd))),
            Some(_) => Err(wrong_type(key, "a string or a file descriptor")),
        }
    }

    /// A descriptor, which is read after all other checks.
    pub(in crate::dbus) fn descriptor(&mut self, key: &'static str) -> Result<Option<Fd<'static>>, Error> {
        self.known.push(key);
        match self.map.remove(key).map(Variant::from) {
            None => Ok(None),
            Some(Variant::Fd(fd)) => Ok(Some(fd)),
            Some(_) => Err(wrong_type(key, "a file descriptor")),
        }
    }

    /// Refuses options that were not taken.
    pub(in crate::dbus) fn finish(self) -> Result<(), Error> {
        match self.map.keys().min() {
            None => Ok(()),
            Some(key) if self.known.is_empty() => {
                Err(Error::invalid(format!("There is no option {}; this call takes none", quoted(key))))
            }
            Some(key) => Err(Error::invalid(format!(
                "There is no option {}; this call takes {}",
                quoted(key),
                self.known.join(", ")
            ))),
        }
    }

    fn take<T>(
        &mut self,
        key: &'static str,
        kind: &str,
        read: impl FnOnce(OwnedVariant) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        self.known.push(key);
        match self.map.remove(key) {
            None => Ok(None),
            Some(value) => read(value).map(Some).ok_or_else(|| wrong_type(key, kind)),
        }
    }
}

fn wrong_type(key: &str, kind: &str) -> Error {
    Error::invalid(format!("The option {key} has the wrong type; pass {kind}"))
}

/// A caller's key, shortened and without control characters.
fn quoted(key: &str) -> String {
    let short: String = key.chars().take(40).collect();
    format!("{short:?}")
}
