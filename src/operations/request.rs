//! What was asked for, by whom, and why it may end early.

use super::{Deadline, Kind};
use crate::oath::{ObjectId, TokenId};

/// Who asked, as others may know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requester {
    /// How it was recognised: `flatpak`, `unit`, `executable` or `unknown`.
    pub kind: String,
    /// Its name of that kind; empty if unknown.
    pub name: String,
}

impl Requester {
    /// What persons call the program; empty if unknown. Of a path that is the end, and nothing else is a path: a Flatpak
    /// application, which names itself, may be `runtime/NAME/ARCH/BRANCH`.
    pub fn program(&self) -> &str {
        match self.kind.as_str() {
            "executable" => self.name.rsplit('/').next().unwrap_or_default(),
            _ => &self.name,
        }
    }
}

/// What was asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// The kind.
    pub kind: Kind,
    /// The unique bus name of the caller.
    pub caller: String,
    /// Who that is.
    pub requester: Requester,
    /// What the caller calls the operation.
    pub handle: Option<String>,
    /// The id of the credential, if it is known already.
    pub credential: Option<ObjectId>,
    /// The id of the token, for what is not about a credential.
    pub token: Option<TokenId>,
    /// A person may be asked to do something.
    pub interactive: bool,
    /// The caller tells the person itself.
    pub own_prompt: bool,
    /// A token that isn't there may be waited for.
    pub wait_for_token: bool,
    /// When the reply has to be there.
    pub deadline: Deadline,
}

/// Why an operation was ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancellation {
    /// Its caller wanted that.
    Caller,
    /// Its caller left the bus.
    CallerGone,
    /// The screen was locked.
    ScreenLocked,
    /// The computer goes to sleep.
    Suspend,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_are_shortened() {
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
