//! `[access]`: who may do what.

use toml::de::DeValue;
use wildmatch::WildMatch;

use super::error::{Error, Problem};
use super::section::{Document, Section, tables};
use super::value::text;

/// Who may do what.
#[derive(Clone, Debug, PartialEq)]
pub struct Access {
    /// What the user's own programs may do that no rule names.
    pub programs: bool,
    /// What sandboxed programs may do that no rule names, and programs that can't be recognised.
    pub sandboxed: bool,
    /// Codes may be read and submitted, and tokens unlocked, while the screen is locked.
    pub while_locked: bool,
    /// Exceptions, in order: the first that fits decides.
    pub rules: Vec<AccessRule>,
}

/// `[[access.rule]]`: an exception.
#[derive(Clone, Debug, PartialEq)]
pub struct AccessRule {
    /// For whom.
    pub caller: Party,
    /// May get codes.
    pub read_code: Option<bool>,
    /// May have codes submitted.
    pub submit: Option<bool>,
    /// May unlock and lock tokens, change what is on them, have the configuration read again.
    pub manage: Option<bool>,
}

/// Whom a rule is for.
#[derive(Clone, Debug, PartialEq)]
pub enum Party {
    /// Flatpak applications by their id.
    Flatpak(Pattern),
    /// Programs by their systemd unit.
    Unit(Pattern),
    /// Programs by the path of their executable.
    Executable(Pattern),
    /// Programs that can't be recognised.
    Unknown,
}

/// A name in which `*` stands for any letters, and `?` for one.
#[derive(Clone, Debug, PartialEq)]
pub struct Pattern(WildMatch);

impl Pattern {
    /// A pattern.
    pub fn new(pattern: &str) -> Self {
        Self(WildMatch::new(pattern))
    }

    /// It is the pattern of all of `name`.
    pub fn matches(&self, name: &str) -> bool {
        self.0.matches(name)
    }
}

impl Default for Access {
    fn default() -> Self {
        Self { programs: true, sandboxed: false, while_locked: false, rules: Vec::new() }
    }
}

impl Access {
    pub(super) const SECTION: &str = "access";
    pub(super) const KEYS: &[&str] = &["programs", "sandboxed", "while_locked", "rule"];

    pub(super) fn read(document: &Document<'_>, section: &Section<'_>) -> Result<Self, Error> {
        let default = Self::default();
        let may = |key, default| may(section, key).map(|set| set.unwrap_or(default));
        Ok(Self {
            programs: may("programs", default.programs)?,
            sandboxed: may("sandboxed", default.sandboxed)?,
            while_locked: may("while_locked", default.while_locked)?,
            rules: match section.value("rule") {
                Some(value) => tables(document, "access.rule", value, AccessRule::KEYS)?
                    .iter()
                    .map(AccessRule::read)
                    .collect::<Result<_, _>>()?,
                None => Vec::new(),
            },
        })
    }
}

impl AccessRule {
    pub(super) const KEYS: &[&str] = &["caller", "read_code", "submit", "manage"];

    fn read(section: &Section<'_>) -> Result<Self, Error> {
        let shape = "\"flatpak:ID\", \"unit:NAME\", \"executable:/PATH\" or \"unknown\"";
        let caller = section.get("caller", shape, party)?;
        let caller = caller.ok_or_else(|| section.error(Problem::NoCaller))?;
        let rule = Self {
            caller,
            read_code: may(section, "read_code")?,
            submit: may(section, "submit")?,
            manage: may(section, "manage")?,
        };
        if rule.read_code.or(rule.submit).or(rule.manage).is_none() {
            return Err(section.error(Problem::EmptyRule));
        }
        Ok(rule)
    }
}

fn may(section: &Section<'_>, key: &str) -> Result<Option<bool>, Error> {
    if section.get(key, "", |value| Some(value.as_str() == Some("ask")))? == Some(true) {
        return Err(section.key_error(key, Problem::Ask(key.to_owned())));
    }
    section.get(key, "\"allow\" or \"deny\"", |value| match value.as_str()? {
        "allow" => Some(true),
        "deny" => Some(false),
        _ => None,
    })
}

fn party(value: &DeValue<'_>) -> Option<Party> {
    let text = text(value)?;
    if text == "unknown" {
        return Some(Party::Unknown);
    }
    let (kind, name) = text.split_once(':')?;
    let pattern = (!name.is_empty()).then(|| Pattern::new(name))?;
    match kind {
        "flatpak" => Some(Party::Flatpak(pattern)),
        "unit" => Some(Party::Unit(pattern)),
        // A pattern for a path that is none would never fit.
        "executable" if name.starts_with(['/', '*']) => Some(Party::Executable(pattern)),
        _ => None,
    }
}
