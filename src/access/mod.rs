//! The identity of callers, their permissions and their limits.
//!
//! The identity of a caller is best effort: it distinguishes cooperating programs, and excludes sandboxed programs that no
//! rule allows. An unsandboxed program of the same user can impersonate another one, as SECURITY.md describes.

mod cgroup;
mod facts;
mod fit;
mod flatpak;
mod identify;
mod limits;
mod rules;
mod start_time;
mod subject;

use std::fmt;

pub use facts::{Facts, Identity, Kind};
pub use fit::Fit;
pub use identify::{Caller, Identified, Identifier, KnownCaller};
pub use limits::{Allowed, CallClass, Charged, ConnectionCounts, Limits, Permit, Refusal};
pub use rules::{Decision, Reason, Verdict, decide};
pub use subject::Subject;

/// A permission of a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Get a code.
    ReadCode,
    /// Submit a code to Cognito.
    Submit,
    /// Unlock and lock tokens, change their content, reload the configuration.
    Manage,
}

impl Permission {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::ReadCode, Self::Submit, Self::Manage];
}

impl fmt::Display for Permission {
    /// The name of the permission on D-Bus.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ReadCode => "read-code",
            Self::Submit => "submit",
            Self::Manage => "manage",
        })
    }
}
