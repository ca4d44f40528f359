//! What goes wrong in a flow: no credential, no unspent time step, no time left.

use super::time::{time_of_day, whole_seconds};
use super::{Error, Retry};
use crate::flows;

impl From<flows::Error> for Error {
    fn from(error: flows::Error) -> Self {
        use flows::Error as Flow;
        match error {
            Flow::Missing(missing) => missing.into(),
            Flow::NoMatch { locked: false } => Self::ours(
                "NoSuchCredential",
                "No attached token has the credential that the profile names; plug in the right token or correct the profile's issuer and account.",
            ),
            Flow::NoMatch { locked: true } => Self::ours(
                "TokenLocked",
                "No unlocked token has the credential that the profile names; unlock the locked token with oathbridgectl unlock and try again.",
            ),
            Flow::Ambiguous(count) => Self::ours(
                "Ambiguous",
                format!(
                    "{count} credentials match the profile; name the token in the profile, or pass the credential's path."
                ),
            ),
            Flow::Unnamed => Self::ours(
                "Ambiguous",
                "Neither a profile nor Cognito says which credential is meant; pass the credential's path, or a profile that has an issuer or account.",
            ),
            Flow::OtherDevice => Self::ours(
                "Ambiguous",
                "No attached token has the name that Cognito knows, and nothing else says which credential is meant; pass the credential's path, or a profile that has an issuer or account.",
            ),
            Flow::Unsupported(why) => Self::ours(
                "Unsupported",
                format!("This credential can't be used here since {why}; choose another one."),
            ),
            Flow::CounterNotConfirmed => Self::ours(
                "ConfirmationRequired",
                "This credential counts its codes, and each call uses one up; pass the option advance-counter as true if that is meant.",
            ),
            Flow::InvalidArgument(why) => {
                Self::invalid(format!("Some options don't fit together: {why}; leave them out"))
            }
            Flow::TouchRequired => Self::ours(
                "TouchRequired",
                "This credential wants its token to be touched; call again without interactive=false and touch it.",
            ),
            Flow::Token(error) => error.into(),
            Flow::StepSpent { opens } => Self::ours(
                "StepSpent",
                format!(
                    "The codes up to {} UTC (Unix time {}) were used already; try again then.",
                    time_of_day(opens),
                    whole_seconds(opens)
                ),
            )
            .retry(Retry::At(opens)),
            Flow::StateUnavailable(why) => Self::ours(
                "StateUnavailable",
                format!(
                    "Nothing was submitted since {why}; repair or remove the file guard.json in the state folder of oathbridge, or make room on the disk."
                ),
            ),
            Flow::Cancelled(why) => why.into(),
            Flow::Timeout => Self::ours(
                "Timeout",
                "The time allowed was over before a code could be sent, so none was; try again or allow a longer timeout.",
            ),
            Flow::RateLimited { wait } => Self::ours(
                "RateLimited",
                format!(
                    "Too many codes of this credential were refused; try again in {} seconds, before Cognito locks the account.",
                    whole_seconds(wait)
                ),
            )
            .retry(Retry::After(wait)),
            Flow::Refused(refused) => refused.into(),
            Flow::ChoiceUnknown(error) => Self::choice_unknown(error.kind),
            Flow::Cognito(error) => error.into(),
        }
    }
}
