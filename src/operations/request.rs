//! The request of an operation, its requester, and the reasons of a cancellation.

use super::{Deadline, Kind};
use crate::oath::{ObjectId, TokenId};

/// The requester, in the form that other programs may see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requester {
    /// The kind of identity: `flatpak`, `unit`, `executable` or `unknown`.
    pub kind: String,
    /// The name of that kind; empty if unknown.
    pub name: String,
}

impl Requester {
    /// The name to show to a person; empty if unknown. For an executable it is the last element of the path. A Flatpak id
    /// is never shortened, because an application chooses it, and it may be `runtime/NAME/ARCH/BRANCH`.
    pub fn program(&self) -> &str {
        match self.kind.as_str() {
            "executable" => self.name.rsplit('/').next().unwrap_or_default(),
            _ => &self.name,
        }
    }
}

/// The request.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub kind: Kind,
    /// The unique bus name of the caller.
    pub caller: String,
    /// The identity of the caller.
    pub requester: Requester,
    /// The caller's `handle-token`.
    pub handle: Option<String>,
    /// The id of the credential, if it is already known.
    pub credential: Option<ObjectId>,
    /// The id of the token, for a request about a token.
    pub token: Option<TokenId>,
    /// Whether the daemon may ask a person to act.
    pub interactive: bool,
    /// Whether the caller prompts the person itself.
    pub own_prompt: bool,
    /// Whether the request may wait for an absent token.
    pub wait_for_token: bool,
    /// The deadline of the reply.
    pub deadline: Deadline,
}

/// The reason of a cancellation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancellation {
    /// `Cancel` was called.
    Caller,
    /// The caller left the bus.
    CallerGone,
    /// The screen was locked.
    ScreenLocked,
    /// logind does not tell whether the screen is locked.
    ScreenUnknown,
    /// The screen was requested to lock, and it is not known whether it is locked.
    LockRequested,
    /// The computer goes to sleep.
    Suspend,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_executables_are_shortened() {
        let program = |kind: &str, name: &str| {
            Requester { kind: kind.to_owned(), name: name.to_owned() }.program().to_owned()
        };
        assert_eq!(program("executable", "/usr/bin/busctl"), "busctl");
        assert_eq!(
            program("flatpak", "runtime/org.gnome.Platform/x86_64/48"),
            "runtime/org.gnome.Platform/x86_64/48"
        );
        assert_eq!(program("unit", "backup.service"), "backup.service");
        assert_eq!(program("unknown", ""), "");
    }
}
