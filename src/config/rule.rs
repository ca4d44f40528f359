//! `[[access.rule]]`: an exception for some callers.

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use wildmatch::WildMatch;

use super::error::Problem;
use super::value::{ASK, checked, is_line, is_path_element, must_be, text};

/// `[[access.rule]]`: an exception.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessRule {
    /// The callers of the rule.
    #[serde(deserialize_with = "caller_pattern")]
    pub caller: CallerPattern,
    /// The credentials of the rule, by object id; without it all of them.
    #[serde(default, deserialize_with = "credential")]
    pub credential: Option<Pattern>,
    /// The profile of the rule: calls with its user pool or its app client, or calls that name it if it has neither.
    /// Without it all calls.
    #[serde(default, deserialize_with = "profile")]
    pub profile: Option<String>,
    /// The permission to get codes.
    #[serde(default, deserialize_with = "exception")]
    pub read_code: Option<bool>,
    /// The permission to submit codes.
    #[serde(default, deserialize_with = "exception")]
    pub submit: Option<bool>,
    /// The permission to unlock and lock tokens, change their content, and reload the configuration.
    #[serde(default, deserialize_with = "exception")]
    pub manage: Option<bool>,
}

/// The callers that a rule matches.
#[derive(Clone, Debug, PartialEq)]
pub enum CallerPattern {
    /// Flatpak applications by their id.
    Flatpak(Pattern),
    /// Programs by their systemd unit.
    Unit(Pattern),
    /// Programs by the path of their executable.
    Executable(Pattern),
    /// Programs that cannot be identified.
    Unknown,
}

/// A name in which `*` matches any characters, and `?` one character.
#[derive(Clone, Debug, PartialEq)]
pub struct Pattern(WildMatch);

impl Pattern {
    /// A pattern.
    pub fn new(pattern: &str) -> Self {
        Self(WildMatch::new(pattern))
    }

    /// Whether the pattern matches the whole `name`.
    pub fn matches(&self, name: &str) -> bool {
        self.0.matches(name)
    }
}

impl AccessRule {
    /// The problem of the rule; `is_profile` knows the names of profiles.
    pub(super) fn problem(&self, is_profile: impl Fn(&str) -> bool) -> Option<Problem> {
        if self.read_code.or(self.submit).or(self.manage).is_none() {
            return Some(Problem::EmptyRule);
        }
        if self.profile.as_ref().is_some_and(|name| !is_profile(name)) {
            return Some(Problem::RuleOfNoProfile);
        }
        let reads = self.profile.is_some() && self.read_code.is_some();
        let manages = (self.profile.is_some() || self.credential.is_some()) && self.manage.is_some();
        match (reads, manages) {
            (true, _) => Some(Problem::RuleExcludes("profile", "read_code")),
            (_, true) if self.profile.is_some() => Some(Problem::RuleExcludes("profile", "manage")),
            (_, true) => Some(Problem::RuleExcludes("credential", "manage")),
            _ => None,
        }
    }
}

/// A permission: `"allow"` or `"deny"`.
pub(super) fn permission<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    match String::deserialize(deserializer).as_deref() {
        Ok("allow") => Ok(true),
        Ok("deny") => Ok(false),
        Ok("ask") => Err(D::Error::custom(ASK)),
        _ => Err(must_be("\"allow\" or \"deny\"")),
    }
}

fn exception<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    permission(deserializer).map(Some)
}

fn credential<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Pattern>, D::Error> {
    let shape = "the id of a credential: letters, digits and _; * matches any characters";
    let is_id = |id: &str| id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_*?".contains(&byte));
    text(deserializer, shape, is_id).map(|id| Some(Pattern::new(&id)))
}

fn profile<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    text(deserializer, "the name of a profile", is_path_element).map(Some)
}

fn caller_pattern<'de, D: Deserializer<'de>>(deserializer: D) -> Result<CallerPattern, D::Error> {
    let shape = "\"flatpak:ID\", \"unit:NAME\", \"executable:/PATH\" or \"unknown\"";
    checked(deserializer, shape, |text: String| parse_caller(&text))
}

fn parse_caller(text: &str) -> Option<CallerPattern> {
    if text == "unknown" {
        return Some(CallerPattern::Unknown);
    }
    let (kind, name) = text.split_once(':').filter(|(_, name)| is_line(name))?;
    match kind {
        "flatpak" => Some(CallerPattern::Flatpak(Pattern::new(name))),
        "unit" => Some(CallerPattern::Unit(Pattern::new(name))),
        // A pattern that is not for an absolute path would never match.
        "executable" if name.starts_with(['/', '*']) => Some(CallerPattern::Executable(Pattern::new(name))),
        _ => None,
    }
}
