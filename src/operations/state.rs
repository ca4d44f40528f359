//! The kinds and states of operations.

use std::fmt;

/// The kind of an operation: the D-Bus method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Returns a code.
    Calculate,
    /// Enrols a token in Cognito.
    VerifySoftwareToken,
    /// Answers the challenge of a sign-in.
    RespondToMfaChallenge,
    /// Unlocks a token.
    Unlock,
    /// Sets, changes or clears the password of a token.
    SetPassword,
    /// Adds a credential to a token.
    AddCredential,
    /// Deletes a credential.
    Remove,
    /// Renames a credential.
    Rename,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Calculate => "Calculate",
            Self::VerifySoftwareToken => "VerifySoftwareToken",
            Self::RespondToMfaChallenge => "RespondToMfaChallenge",
            Self::Unlock => "Unlock",
            Self::SetPassword => "SetPassword",
            Self::AddCredential => "AddCredential",
            Self::Remove => "Remove",
            Self::Rename => "Rename",
        })
    }
}

/// The state of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It waits for earlier requests.
    Queued,
    /// A person must allow it.
    WaitingConsent,
    /// A person must plug in the token.
    WaitingToken,
    /// A person must unlock the token.
    WaitingUnlock,
    /// A person must touch the token.
    WaitingTouch,
    /// It waits for the next time step.
    WaitingStep,
    /// The token is calculating.
    Calculating,
    /// A code, or the choice of a second factor, is being sent to Cognito and cannot be taken back.
    Submitting,
    /// It succeeded.
    Done,
    /// It failed with an error.
    Failed,
    /// It was cancelled.
    Cancelled,
}

impl State {
    /// Whether no state follows.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Cancelled)
    }

    /// Whether an operation in this state waits for nothing but the token, or has not begun to wait.
    pub(super) fn is_for_token(self) -> bool {
        matches!(self, Self::Queued | Self::WaitingToken | Self::Calculating)
    }

    /// The action that a person must take.
    pub fn user_action(self) -> Option<ActionKind> {
        match self {
            Self::WaitingConsent => Some(ActionKind::Consent),
            Self::WaitingToken => Some(ActionKind::Insert),
            Self::WaitingUnlock => Some(ActionKind::Unlock),
            Self::WaitingTouch => Some(ActionKind::Touch),
            _ => None,
        }
    }
}

impl fmt::Display for State {
    /// The word of the D-Bus contract.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Queued => "queued",
            Self::WaitingConsent => "waiting-consent",
            Self::WaitingToken => "waiting-token",
            Self::WaitingUnlock => "waiting-unlock",
            Self::WaitingTouch => "waiting-touch",
            Self::WaitingStep => "waiting-step",
            Self::Calculating => "calculating",
            Self::Submitting => "submitting",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        })
    }
}

/// The content of a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sending {
    /// A code.
    Code,
    /// The choice of a second factor, which uses up a session and contains no code.
    Choice,
}

/// The kind of action that a person must take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActionKind {
    /// Touch the token.
    Touch,
    /// Unlock the token.
    Unlock,
    /// Plug the token in.
    Insert,
    /// Allow the request.
    Consent,
}

impl fmt::Display for ActionKind {
    /// The word of the D-Bus contract.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Touch => "touch",
            Self::Unlock => "unlock",
            Self::Insert => "insert",
            Self::Consent => "consent",
        })
    }
}
