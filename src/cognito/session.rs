//! The session: the opaque string that connects the steps of one sign-in.

use super::refused::{Defect, Refused};
use crate::secret::SecretText;

/// The valid lengths of the API's `SessionType`.
const LENGTH_RANGE: std::ops::RangeInclusive<usize> = 20..=4096;

/// A session with a valid shape. Only Cognito knows whether it is still valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session(SecretText);

impl Session {
    /// Parses a session of 20 to 4,096 printable ASCII characters.
    ///
    /// # Errors
    ///
    /// [`Refused::SessionShape`] for anything else.
    pub fn parse(text: SecretText) -> Result<Self, Refused> {
        if !LENGTH_RANGE.contains(&text.expose().len()) {
            return Err(Refused::SessionShape(Defect::Length));
        }
        if !text.expose().bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            return Err(Refused::SessionShape(Defect::Characters));
        }
        Ok(Self(text))
    }

    /// The session itself.
    pub(super) fn expose(&self) -> &str {
        self.0.expose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Session, Refused> {
        Session::parse(SecretText::from(text))
    }

    #[test]
    fn invalid_shapes_are_refused() {
        for length in [20, 1_560, 4_096] {
            assert!(parse(&"s".repeat(length)).is_ok());
        }
        for length in [0, 19, 4_097] {
            assert_eq!(parse(&"s".repeat(length)), Err(Refused::SessionShape(Defect::Length)));
        }
        for odd in ["\n", "\0", "\u{7f}", "é"] {
            let text = format!("{}{odd}", "s".repeat(20));
            assert_eq!(parse(&text), Err(Refused::SessionShape(Defect::Characters)));
        }
    }

    #[test]
    fn debug_output_does_not_contain_the_session() {
        assert!(!format!("{:?}", parse(&"canary".repeat(10))).contains("canary"));
    }
}
