//! What somebody asks for, and why it may end early.

use super::{Deadline, Kind};

/// Who asked, as others may know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requester {
    /// How it was recognised: `flatpak`, `unit`, `executable` or `unknown`.
    pub kind: String,
    /// Its name of that kind; empty if unknown.
    pub name: String,
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
    pub credential: Option<String>,
    /// The id of the token, for what is not about a credential.
    pub token: Option<String>,
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
