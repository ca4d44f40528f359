//! The errors of flows: no credential, no unspent time step, no time left.

use super::{Error, Retry};
use crate::utc::{time_of_day, whole_seconds};
use crate::{flows, keyring};

impl From<flows::Error> for Error {
    fn from(error: flows::Error) -> Self {
        use flows::Error as Flow;
        match error {
            Flow::Missing(missing) => missing.into(),
            Flow::NoMatch { locked: false, wanted } => Self::ours(
                "NoSuchCredential",
                format!(
                    "No attached token has the credential of the profile{}; plug in the right token, or correct the profile.",
                    in_brackets(&wanted)
                ),
            ),
            Flow::NoMatch { locked: true, wanted } => Self::ours(
                "TokenLocked",
                format!(
                    "No unlocked token has the credential of the profile{}; unlock the locked token with oathbridgectl unlock and try again.",
                    in_brackets(&wanted)
                ),
            ),
            Flow::Forbidden => Self::ours(
                "AccessDenied",
                "The program may not submit codes of this credential; change the [[access.rule]] of the configuration and reload it.",
            ),
            Flow::NoTouch => Self::ours(
                "AccessDenied",
                "With require_touch in /etc/oathbridge/policy.toml only credentials that require a touch give codes, and this one does not require it or its token does not tell; use another credential, or ask the administrator to change the policy.",
            ),
            Flow::Ambiguous(count) => Self::ours(
                "Ambiguous",
                format!(
                    "{count} credentials match the profile; name the token in the profile, or pass the path of a credential."
                ),
            ),
            Flow::Unnamed => Self::ours(
                "Ambiguous",
                "Neither a profile nor Cognito names a credential; pass the path of a credential, or a profile that has an issuer or account.",
            ),
            Flow::OtherDevice => Self::ours(
                "Ambiguous",
                "No attached token has the device name from Cognito, and the call names no credential; pass the path of a credential, or a profile that has an issuer or account.",
            ),
            Flow::Unsupported(why) => Self::ours(
                "Unsupported",
                format!("This credential cannot be used here because {why}; choose another one."),
            ),
            Flow::CounterNotConfirmed => Self::ours(
                "ConfirmationRequired",
                "This credential is counter-based and each code uses one up; pass the option advance-counter as true to confirm.",
            ),
            Flow::InvalidArgument(why) => {
                Self::invalid(format!("Some options do not fit: {why}; leave them out"))
            }
            Flow::TouchRequired => Self::ours(
                "TouchRequired",
                "This request requires a touch of the token; leave out the option interactive and touch the token.",
            ),
            Flow::Token(error) => error.into(),
            Flow::StepSpent { opens } => Self::ours(
                "StepSpent",
                format!(
                    "The code was already used; try again at {} UTC (Unix time {}).",
                    time_of_day(opens),
                    whole_seconds(opens)
                ),
            )
            .retry(Retry::At(opens)),
            Flow::StateUnavailable(why) => Self::ours(
                "StateUnavailable",
                format!(
                    "Nothing was submitted because {why}; repair or remove the file guard.json in the state folder of oathbridge, or free disk space."
                ),
            ),
            Flow::Cancelled(why) => why.into(),
            Flow::Timeout => Self::ours(
                "Timeout",
                "The timeout passed before a code was sent; try again with a longer timeout.",
            ),
            Flow::RateLimited { wait } => Self::ours(
                "RateLimited",
                format!(
                    "Cognito refused too many codes of this credential and would lock the account; try again in {} seconds.",
                    whole_seconds(wait)
                ),
            )
            .retry(Retry::After(wait)),
            Flow::NotRemembered(why) => Self::ours(
                "NotRemembered",
                format!("The token is unlocked, but its key is not remembered because {why}; {}.", advice(&why)),
            ),
            Flow::PasswordTries { wait } => Self::ours(
                "RateLimited",
                format!(
                    "The token refused too many passwords; try again in {} seconds.",
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

fn in_brackets(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(" ({text})") }
}

/// What to do about a keyring that was not used.
fn advice(why: &keyring::Error) -> &'static str {
    match why {
        keyring::Error::Absent | keyring::Error::NoCollection => {
            "set up a keyring such as GNOME Keyring, KeePassXC or KWallet"
        }
        keyring::Error::Locked | keyring::Error::Dismissed => "unlock the keyring and try again",
        keyring::Error::Silent | keyring::Error::Refused(_) => {
            "look at the keyring's own program and try again"
        }
    }
}
