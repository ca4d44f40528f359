//! The words for what an operation is, and for where it stands.

use std::fmt;

/// What was asked for: the name of the D-Bus method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A code is handed out.
    Calculate,
    /// A token is proved to Cognito.
    VerifySoftwareToken,
    /// A sign-in's challenge is answered.
    RespondToMfaChallenge,
    /// A token is unlocked.
    Unlock,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Calculate => "Calculate",
            Self::VerifySoftwareToken => "VerifySoftwareToken",
            Self::RespondToMfaChallenge => "RespondToMfaChallenge",
            Self::Unlock => "Unlock",
        })
    }
}

/// Where an operation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Others are served first.
    Queued,
    /// A person has to allow it.
    WaitingConsent,
    /// A token has to be plugged in.
    WaitingToken,
    /// A token has to be unlocked.
    WaitingUnlock,
    /// A token has to be touched.
    WaitingTouch,
    /// The next time step has to begin.
    WaitingStep,
    /// The token works.
    Calculating,
    /// A code, or the choice of a second factor, is on its way to Cognito: nothing takes it back.
    Submitting,
    /// It ended as asked for.
    Done,
    /// It ended with an error.
    Failed,
    /// It was ended early.
    Cancelled,
}

impl State {
    /// Nothing follows.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Cancelled)
    }

    /// What a person has to do for it.
    pub fn need(self) -> Option<Need> {
        match self {
            Self::WaitingConsent => Some(Need::Consent),
            Self::WaitingToken => Some(Need::Insert),
            Self::WaitingUnlock => Some(Need::Unlock),
            Self::WaitingTouch => Some(Need::Touch),
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

/// What is on its way to Cognito.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sending {
    /// A code.
    Code,
    /// The choice of a second factor, which uses a session up and carries no code.
    Choice,
}

/// What a person has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Touch the token.
    Touch,
    /// Unlock the token.
    Unlock,
    /// Plug the token in.
    Insert,
    /// Allow the request.
    Consent,
}

impl fmt::Display for Need {
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
