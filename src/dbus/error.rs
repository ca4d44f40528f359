//! The one table of errors: every name, and the sentence that says what happened and what to do next.

use std::fmt;
use std::time::Duration;

use zbus::message::{Header, Message};
use zbus::names::ErrorName;

use super::names;
use crate::access::{Permission, Reason, Refusal};
use crate::cognito::{self, ErrorKind, Refused};
use crate::flows;
use crate::operations::{Cancellation, Requester};
use crate::registry::Missing;
use crate::token;

/// An error reply: a name of the contract and one sentence, and nothing else in its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    name: &'static str,
    sentence: String,
    retry: Option<Retry>,
}

/// When it is worth a new try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Retry {
    /// At this Unix time.
    At(Duration),
    /// So long from now.
    After(Duration),
}

impl Error {
    fn ours(name: &'static str, sentence: impl Into<String>) -> Self {
        Self { name, sentence: sentence.into(), retry: None }
    }

    fn retry(self, retry: Retry) -> Self {
        Self { retry: Some(retry), ..self }
    }

    /// An argument that makes no sense; `why` is a whole sentence without its full stop.
    pub fn invalid(why: impl fmt::Display) -> Self {
        Self::ours("org.freedesktop.DBus.Error.InvalidArgs", format!("{why}."))
    }

    /// A failure of the daemon itself.
    pub fn internal() -> Self {
        Self::ours(
            "Internal",
            "The daemon failed to do this; look into its journal and restart it with systemctl --user restart oathbridge.",
        )
    }

    /// Too much of the same at once.
    pub fn busy() -> Self {
        Self::ours("Busy", "Too many calls of this kind are being served; try again in a moment.")
    }

    /// More at once than `[limits]` allows.
    pub fn too_many_calls() -> Self {
        Self::ours(
            "Busy",
            // As short as a call, as the next one: in a flood the bus falls behind with what is longer, and others wait.
            "Too many calls at once; wait for earlier replies.",
        )
    }

    /// More in a minute than `[limits]` allows.
    pub fn too_often(wait: Duration) -> Self {
        Self::ours("RateLimited", format!("This came too often; try again in {} s.", whole(wait)))
            .retry(Retry::After(wait))
    }

    /// The configuration doesn't allow it.
    pub fn denied(requester: &Requester, permission: Permission, reason: Reason) -> Self {
        let (who, caller) = match requester.kind.as_str() {
            "unknown" => ("A program that can't be recognised".to_owned(), "unknown".to_owned()),
            kind => {
                let caller = format!("{kind}:{}", requester.name);
                (format!("The program {caller}"), caller)
            }
        };
        let key = permission.to_string().replace('-', "_");
        match reason {
            Reason::OtherUser => Self::other_user(),
            Reason::Rule(number) => Self::ours(
                "AccessDenied",
                format!(
                    "{who} may not {key}; change rule {number} of [[access.rule]] in the configuration and reload it."
                ),
            ),
            Reason::Programs | Reason::Sandboxed => Self::ours(
                "AccessDenied",
                format!(
                    "{who} may not {key}; add an [[access.rule]] with caller = \"{caller}\" and {key} = \"allow\" to the configuration and reload it."
                ),
            ),
        }
    }

    /// Somebody else's program.
    pub fn other_user() -> Self {
        Self::ours(
            "AccessDenied",
            "This daemon serves the programs of its own user only; run the program as that user.",
        )
    }

    /// Nobody is at the computer.
    pub fn screen_locked() -> Self {
        Self::ours(
            "ScreenLocked",
            "The screen is locked; unlock it, or set while_locked in [access] of the configuration to \"allow\".",
        )
    }

    /// A message that is longer than `[limits]` allows.
    pub fn too_long() -> Self {
        Self::invalid(
            "The message is longer than message_kib in [limits] of the configuration allows; pass less",
        )
    }

    /// An operation of this handle exists.
    pub fn handle_in_use() -> Self {
        Self::ours(
            "AlreadyExists",
            "An operation with this handle-token is running or kept; choose another one for each request.",
        )
    }

    /// Results are for those who asked.
    pub fn not_the_requester() -> Self {
        Self::ours(
            "AccessDenied",
            "Only the connection that made the request may read its result; call from there.",
        )
    }

    /// There is no result yet.
    pub fn not_over() -> Self {
        Self::ours("Busy", "The operation has not ended; wait until its State is done, failed or cancelled.")
    }

    /// There is no object at the path that was called.
    pub fn no_object() -> Self {
        Self::ours(
            "org.freedesktop.DBus.Error.UnknownObject",
            "There is no such object; list what there is with oathbridgectl list.",
        )
    }

    /// A configuration that can't be used; `why` is a sentence with file and line, without full stop.
    pub fn config(why: impl fmt::Display) -> Self {
        let why = why.to_string();
        let end = if why.ends_with('?') { "" } else { "." };
        let advice = "The configuration in force stays; correct the file and call Reload again";
        Self::ours("Config", format!("{advice}: {why}{end}"))
    }

    /// systemd passed no credential with the secret of a profile's app client.
    pub fn no_client_secret(name: &str) -> Self {
        Self::ours(
            "Config",
            format!(
                "systemd has passed no credential {name:?} with the app client's secret; add LoadCredential={name}:/PATH or SetCredentialEncrypted={name}:... to a drop-in of the unit with systemctl --user edit oathbridge, and restart it."
            ),
        )
    }

    /// It is there, and out of reach.
    pub fn unreadable_client_secret(name: &str) -> Self {
        Self::ours(
            "Config",
            format!(
                "The systemd credential {name:?} can't be read as a file; correct LoadCredential= in a drop-in of the unit and restart it with systemctl --user restart oathbridge."
            ),
        )
    }

    /// It is there, and something else.
    pub fn bad_client_secret(name: &str) -> Self {
        Self::ours(
            "Config",
            format!(
                "The systemd credential {name:?} is not the secret of an app client, which has 24 to 64 letters, digits, _ and +; write it there as Cognito shows it and restart the daemon with systemctl --user restart oathbridge."
            ),
        )
    }

    /// A refused code, and a clock that explains it; `skew` is Cognito's clock minus ours in seconds.
    pub fn wrong_clock(skew: f64) -> Self {
        let direction = if skew > 0.0 { "behind" } else { "ahead" };
        let seconds = skew.abs().round();
        Self::ours(
            "Cognito.CodeMismatch",
            format!(
                "Cognito did not accept the code since this computer's clock is {seconds} seconds {direction}; set the clock and try again."
            ),
        )
    }

    /// Nobody knows what became of the choice of a second factor.
    fn choice_unknown(kind: ErrorKind) -> Self {
        let (name, what) = match kind {
            ErrorKind::OutcomeUnknown => ("Cognito.OutcomeUnknown", "Cognito's answer was lost"),
            _ => ("Cognito.ServiceUnavailable", "Cognito failed"),
        };
        Self::ours(
            name,
            format!(
                "{what} when the software token was chosen, and no code was sent; the session may be used up, so start the sign-in again."
            ),
        )
    }

    /// No profile of this name.
    pub fn no_profile(name: &str, known: &[&str]) -> Self {
        let others = if known.is_empty() { String::new() } else { format!(", only {}", known.join(", ")) };
        Self::ours(
            "NoSuchProfile",
            format!(
                "There is no profile {name:?}{others}; add it to the configuration and have that read again."
            ),
        )
    }

    /// The full name.
    pub fn full_name(&self) -> String {
        if self.name.starts_with("org.") {
            self.name.to_owned()
        } else {
            format!("{}{}", names::ERROR, self.name)
        }
    }

    /// It was ended early.
    pub fn is_cancelled(&self) -> bool {
        self.name == "Cancelled"
    }

    /// The Unix time at which a new try may succeed, if that is known.
    pub fn retry_at(&self, now: Duration) -> Option<Duration> {
        self.retry.map(|retry| match retry {
            Retry::At(time) => time,
            Retry::After(wait) => now.saturating_add(wait),
        })
    }

    /// The sentence.
    pub fn sentence(&self) -> &str {
        &self.sentence
    }
}

impl zbus::DBusError for Error {
    fn create_reply(&self, call: &Header<'_>) -> zbus::Result<Message> {
        Message::error(call, self.name()).build(&self.sentence)
    }

    fn name(&self) -> ErrorName<'_> {
        ErrorName::from_string_unchecked(self.full_name())
    }

    fn description(&self) -> Option<&str> {
        Some(&self.sentence)
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Busy => Self::too_many_calls(),
            Refusal::RateLimited { wait } => Self::too_often(wait),
        }
    }
}

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
                    clock_time(opens),
                    whole(opens)
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
                    whole(wait)
                ),
            )
            .retry(Retry::After(wait)),
            Flow::Refused(refused) => refused.into(),
            Flow::ChoiceUnknown(error) => Self::choice_unknown(error.kind),
            Flow::Cognito(error) => error.into(),
        }
    }
}

impl From<Cancellation> for Error {
    fn from(why: Cancellation) -> Self {
        let reason = match why {
            Cancellation::Caller => "The request was cancelled",
            Cancellation::CallerGone => "The program that made the request has left the bus",
            Cancellation::ScreenLocked => "The screen was locked",
            Cancellation::Suspend => "The computer is going to sleep",
        };
        Self::ours(
            "Cancelled",
            format!("{reason} before a code was sent, so none was; ask again when it is wanted."),
        )
    }
}

impl From<Missing> for Error {
    fn from(missing: Missing) -> Self {
        match missing {
            Missing::Token => Self::ours(
                "TokenRemoved",
                "The token of this credential is not attached; plug it in and try again.",
            ),
            Missing::Locked => token::Error::Locked.into(),
            Missing::Stuck => token::Error::Stuck.into(),
            Missing::Credential => token::Error::NoSuchCredential.into(),
        }
    }
}

impl From<token::Error> for Error {
    fn from(error: token::Error) -> Self {
        use token::Error as Token;
        let (name, sentence) = match error {
            Token::Removed => ("TokenRemoved", "The token was removed; plug it in and try again."),
            Token::Busy => (
                "TokenBusy",
                "The token is busy with another request or held by another program; close that program or try again in a moment.",
            ),
            Token::Stuck => {
                ("TokenStuck", "The token doesn't answer any more; unplug it and plug it in again.")
            }
            Token::Locked => (
                "TokenLocked",
                "The token is locked with a password; unlock it with oathbridgectl unlock and try again.",
            ),
            Token::WrongPassword => {
                ("WrongPassword", "The token refused this password; check it and try again.")
            }
            Token::Impostor => (
                "Malformed",
                "The token doesn't know the password that it asks for and may be a fake; stop using it and check where it came from.",
            ),
            Token::NoSuchCredential => (
                "NoSuchCredential",
                "The token has no such credential; list what it has with oathbridgectl list.",
            ),
            Token::TouchTimeout => (
                "TouchTimeout",
                "The token was not touched in time and no code was sent; try again and touch it when it blinks.",
            ),
            Token::Unsupported(why) => {
                return Self::ours(
                    "Unsupported",
                    format!("The token can't do this since {why}; use another token."),
                );
            }
            Token::Malformed(why) => {
                tracing::warn!("a token's answer makes no sense: {why}");
                (
                    "Malformed",
                    "The token's answer makes no sense; unplug it, plug it in again, and report its model if that doesn't help.",
                )
            }
            Token::PcscUnavailable => (
                "PcscUnavailable",
                "The smart card service is not running; install pcscd or start it with systemctl start pcscd.socket.",
            ),
            Token::PcscDenied => (
                "PcscDenied",
                "The smart card service refuses this user; log in at the machine itself, or allow access with a polkit rule for org.debian.pcsc-lite.",
            ),
        };
        Self::ours(name, sentence)
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::ScopeMissing => ErrorKind::ScopeMissing.into(),
            Refused::TokenExpired => ErrorKind::TokenExpired.into(),
            Refused::NotAToken(_) => Self::invalid(format!(
                "{}; pass the access token as Cognito gave it",
                capital(&refused.to_string())
            )),
            Refused::SessionShape(_) => Self::invalid(format!(
                "{}; pass the session as Cognito gave it",
                capital(&refused.to_string())
            )),
            Refused::Shape(_) => Self::invalid(format!(
                "The option {refused}; pass it as Cognito or its administrator gave it"
            )),
            Refused::WrongTokenUse => Self::invalid(capital(&refused.to_string())),
        }
    }
}

impl From<cognito::Error> for Error {
    fn from(error: cognito::Error) -> Self {
        let retry = error.retry_after.map(Retry::After);
        Self { retry, ..error.kind.into() }
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        let name = match kind {
            ErrorKind::CodeMismatch => "Cognito.CodeMismatch",
            ErrorKind::CodeAlreadyUsed => "Cognito.CodeAlreadyUsed",
            ErrorKind::SessionExpired => "Cognito.SessionExpired",
            ErrorKind::SessionConsumed => "Cognito.SessionConsumed",
            ErrorKind::TokenExpired => "Cognito.TokenExpired",
            ErrorKind::ScopeMissing => "Cognito.ScopeMissing",
            ErrorKind::NotAuthorized => "Cognito.NotAuthorized",
            ErrorKind::LockedOut => "Cognito.LockedOut",
            ErrorKind::Throttled => "Cognito.Throttled",
            ErrorKind::ServiceUnavailable => "Cognito.ServiceUnavailable",
            ErrorKind::OutcomeUnknown => "Cognito.OutcomeUnknown",
            ErrorKind::NotEnrolled => "Cognito.NotEnrolled",
            ErrorKind::TotpNotEnabled => "Cognito.TotpNotEnabled",
            ErrorKind::AccountState => "Cognito.AccountState",
            ErrorKind::PoolError => "Cognito.PoolError",
            ErrorKind::Blocked => "Cognito.Blocked",
            ErrorKind::InvalidParameter => "Cognito.InvalidParameter",
            ErrorKind::Rejected => "Cognito.Rejected",
            ErrorKind::Network => "Network",
            ErrorKind::Tls => "Tls",
            ErrorKind::Config => "Config",
        };
        Self::ours(name, format!("{}.", capital(&kind.to_string())))
    }
}

/// A sentence of a library layer, with the capital letter it gets on the bus.
pub(super) fn capital(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// Whole seconds, rounded up: nobody shall come too early.
fn whole(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

/// Hours, minutes and seconds of the day, in UTC.
fn clock_time(unix: Duration) -> String {
    let seconds = whole(unix) % 86_400;
    format!("{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}
