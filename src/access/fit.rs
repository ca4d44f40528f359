//! Whether a rule is for a call, as far as that is known.

/// Whether a rule is for a call, as far as that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// It is.
    Yes,
    /// It is not.
    No,
    /// It turns out later, and the call is decided again then. Until then no rule of this kind refuses the call.
    Open,
    /// The daemon never learns it. The rule refuses calls that may be meant, and allows none.
    Hidden,
}

impl Fit {
    pub(super) fn yes_if(fits: bool) -> Self {
        if fits { Self::Yes } else { Self::No }
    }

    /// Whether two conditions of one rule are for a call.
    pub(super) fn and(self, other: Self) -> Self {
        for weakest in [Self::No, Self::Open, Self::Hidden] {
            if [self, other].contains(&weakest) {
                return weakest;
            }
        }
        Self::Yes
    }

    /// Whether a rule that says this decides.
    pub(super) fn decides(self, allow: bool) -> bool {
        match self {
            Self::Yes => true,
            Self::No => false,
            Self::Open => allow,
            Self::Hidden => !allow,
        }
    }
}
