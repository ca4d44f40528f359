//! Who asks, may they, and how often.
//!
//! CallClass the kernel and the bus say of a caller is best effort: it tells programs apart that don't want to be mistaken
//! for each other, and it keeps sandboxed programs out that were not let in. An unsandboxed program of the same user
//! can pretend to be another one, as SECURITY.md says.

mod cgroup;
mod facts;
mod flatpak;
mod identify;
mod limits;
mod rules;

use std::fmt;

pub use facts::{Facts, Identity, Kind};
pub use identify::{Caller, Identified, Identifier, KnownCaller};
pub use limits::{CallClass, ConnectionCounts, Limits, Permit, Refusal};
pub use rules::{Decision, Reason, Verdict, decide};

/// CallClass somebody may be allowed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Get a code.
    ReadCode,
    /// Have a code submitted to Cognito.
    Submit,
    /// Unlock and lock tokens, change what is on them, have the configuration read again.
    Manage,
}

impl Permission {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::ReadCode, Self::Submit, Self::Manage];
}

impl fmt::Display for Permission {
    /// The word of the D-Bus contract.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ReadCode => "read-code",
            Self::Submit => "submit",
            Self::Manage => "manage",
        })
    }
}
