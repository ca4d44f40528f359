//! The opaque string that ties the steps of one sign-in together.

use super::authorization::{Defect, Refused};
use crate::secret::SecretText;

/// Lengths of the API's `SessionType`.
const LENGTHS: std::ops::RangeInclusive<usize> = 20..=4096;

/// A session as Cognito gave it out, of the right shape; whether it still holds only Cognito knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session(SecretText);

impl Session {
    /// A session of 20 to 4,096 printable ASCII characters.
    ///
    /// # Errors
    ///
    /// [`Refused::SessionShape`] for anything else.
    pub fn parse(text: SecretText) -> Result<Self, Refused> {
        if !LENGTHS.contains(&text.expose().len()) {
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
    fn the_shape_decides() {
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
    fn debug_says_nothing() {
        assert!(!format!("{:?}", parse(&"canary".repeat(10))).contains("canary"));
    }
}
