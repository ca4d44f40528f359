//! Permissions: the first rule of the configuration that matches a call and has a value decides, otherwise a default.

#[cfg(test)]
mod tests;

use std::fmt;

use super::{Caller, Facts, Kind, Permission, Subject};
use crate::config::{Access, AccessRule, CallerPattern};

/// A decision and its reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The verdict.
    pub verdict: Verdict,
    /// The reason.
    pub reason: Reason,
}

/// Whether an action is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Allowed.
    Allow,
    /// Denied.
    Deny,
}

impl Verdict {
    /// The word of the D-Bus contract and of the configuration.
    pub fn word(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
        }
    }

    fn allow_if(is_allowed: bool) -> Self {
        if is_allowed { Self::Allow } else { Self::Deny }
    }
}

/// The reason of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The program belongs to another user.
    OtherUser,
    /// The rule with this number in the policy, counted from 1.
    PolicyRule(usize),
    /// A default of the policy.
    Policy,
    /// The rule with this number in the configuration, counted from 1.
    Rule(usize),
    /// `programs`: for the user's programs.
    Programs,
    /// `sandboxed`: for sandboxed programs, and for those that cannot be identified.
    Sandboxed,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherUser => f.write_str("other user"),
            Self::PolicyRule(number) => write!(f, "policy rule {number}"),
            Self::Policy => f.write_str("policy"),
            Self::Rule(number) => write!(f, "rule {number}"),
            Self::Programs => f.write_str("programs"),
            Self::Sandboxed => f.write_str("sandboxed"),
        }
    }
}

/// Decides whether a caller has a permission, for a call about `subject`.
///
/// The policy decides first. What it denies is denied. Where a rule of the policy allows, only rules of the configuration
/// may deny, and its defaults do not apply. Everything else is decided by the configuration.
pub fn decide(access: &Access, caller: &Caller, permission: Permission, subject: &Subject) -> Decision {
    if !caller.is_ours {
        return Decision { verdict: Verdict::Deny, reason: Reason::OtherUser };
    }
    let facts = caller.facts.as_ref();
    let is_program = facts.is_some_and(|facts| !facts.is_sandboxed);
    let policy = &access.policy;
    let by_policy = by_rule(&policy.rules, facts, permission, subject);
    let is_open = if is_program { policy.programs } else { policy.sandboxed };
    match by_policy {
        Some((false, number)) => Decision { verdict: Verdict::Deny, reason: Reason::PolicyRule(number) },
        None if !is_open => Decision { verdict: Verdict::Deny, reason: Reason::Policy },
        _ => match (by_rule(&access.rules, facts, permission, subject), by_policy) {
            (Some((allowed, number)), _) => {
                Decision { verdict: Verdict::allow_if(allowed), reason: Reason::Rule(number) }
            }
            (None, Some((_, number))) => {
                Decision { verdict: Verdict::Allow, reason: Reason::PolicyRule(number) }
            }
            (None, None) if is_program => {
                Decision { verdict: Verdict::allow_if(access.programs), reason: Reason::Programs }
            }
            (None, None) => {
                Decision { verdict: Verdict::allow_if(access.sandboxed), reason: Reason::Sandboxed }
            }
        },
    }
}

/// The answer of the first rule that decides, and its number.
fn by_rule(
    rules: &[AccessRule],
    facts: Option<&Facts>,
    permission: Permission,
    subject: &Subject,
) -> Option<(bool, usize)> {
    let said = |rule: &AccessRule| match permission {
        Permission::ReadCode => rule.read_code,
        Permission::Submit => rule.submit,
        Permission::Manage => rule.manage,
    };
    rules.iter().zip(1..).find_map(|(rule, number)| {
        let allowed = said(rule).filter(|allowed| fits(&rule.caller, facts, *allowed))?;
        let allowed = Some(allowed).filter(|allowed| subject.fit(rule).decides(*allowed))?;
        Some((allowed, number))
    })
}

/// Whether a rule that allows, or one that denies, is about the caller.
fn fits(caller_pattern: &CallerPattern, facts: Option<&Facts>, allows: bool) -> bool {
    if *caller_pattern == CallerPattern::Unknown {
        // Callers that are shown as unknown, so that a rule can be written from the shown identity.
        return facts.is_none_or(|facts| facts.identity().kind == Kind::Unknown);
    }
    let Some(facts) = facts else { return false };
    match caller_pattern {
        CallerPattern::Unknown => false,
        CallerPattern::Flatpak(pattern) => facts.flatpak.as_deref().is_some_and(|id| pattern.matches(id)),
        // A Flatpak application may have chosen every other name except its id.
        _ if facts.flatpak.is_some() => false,
        CallerPattern::Unit(pattern) => facts.unit.as_deref().is_some_and(|unit| pattern.matches(unit)),
        CallerPattern::Executable(pattern) => {
            let unproved = facts.unproved.as_deref().filter(|_| !allows);
            facts.executable.as_deref().or(unproved).is_some_and(|path| pattern.matches(path))
        }
    }
}
