//! The errors of refused and cancelled calls.

use std::time::Duration;

use super::{Error, Retry};
use crate::access::{Allowed, Permission, Reason, Refusal};
use crate::operations::{Cancellation, Requester};
use crate::utc::whole_seconds;

impl Error {
    /// There are too many calls of a kind.
    pub fn busy() -> Self {
        Self::ours("Busy", "Too many calls of this kind are running; try again in a moment.")
    }

    /// There are more simultaneous calls than `[limits]` allows.
    pub fn too_many_calls() -> Self {
        Self::ours(
            "Busy",
            // As short as a call: in a flood the bus falls behind with longer replies, and other clients wait.
            "Too many calls at once; wait for earlier replies.",
        )
    }

    /// There are more calls in a minute or second than `[limits]` allows.
    pub fn too_often(wait: Duration, allowed: Allowed) -> Self {
        let (Allowed { count, time, what }, seconds) = (allowed, whole_seconds(wait));
        let are = if count == 1 { "is" } else { "are" };
        Self::ours(
            "RateLimited",
            format!("There were too many {what} ({count} a {time} {are} allowed); try again in {seconds} s."),
        )
        .retry(Retry::After(wait))
    }

    /// The configuration does not allow the call.
    pub fn denied(requester: &Requester, permission: Permission, reason: Reason) -> Self {
        let (who, caller) = match requester.kind.as_str() {
            "unknown" => ("A program that the daemon cannot identify".to_owned(), "unknown".to_owned()),
            kind => {
                let caller = format!("{kind}:{}", requester.name);
                (format!("The program {caller}"), caller)
            }
        };
        let key = permission.to_string().replace('-', "_");
        match reason {
            Reason::OtherUser => Self::other_user(),
            Reason::PolicyRule(_) | Reason::Policy => Self::ours(
                "AccessDenied",
                format!(
                    "The administrator's policy does not allow {key} to this program ({caller}); ask the administrator to change /etc/oathbridge/policy.toml."
                ),
            ),
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

    /// The policy does not allow the user pool, app client or endpoint of a submission.
    pub fn forbidden_destination(what: &str) -> Self {
        Self::ours(
            "AccessDenied",
            format!(
                "The administrator's policy does not allow {what}; use an allowed one, or ask the administrator to change /etc/oathbridge/policy.toml."
            ),
        )
    }

    /// The program belongs to another user.
    pub fn other_user() -> Self {
        Self::ours(
            "AccessDenied",
            "This daemon serves the programs of its own user only; run the program as that user.",
        )
    }

    /// The screen is locked.
    pub fn screen_locked() -> Self {
        Self::ours(
            "ScreenLocked",
            "The screen is locked; unlock it, or set while_locked in [access] of the configuration to \"allow\".",
        )
    }

    /// logind is there and does not tell whether the screen is locked.
    pub fn screen_unknown() -> Self {
        Self::ours(
            "ScreenLocked",
            "It is not known whether the screen is locked, because systemd-logind or the system bus does not answer; check them with \"systemctl status systemd-logind dbus\", or set while_locked in [access] of the configuration to \"allow\".",
        )
    }

    /// logind requested the screen to lock, and no screen locker has told it more.
    pub fn lock_requested() -> Self {
        Self::ours(
            "ScreenLocked",
            "The screen was requested to lock; unlock it, run \"loginctl unlock-session\" if its screen locker does not tell logind, or set while_locked in [access] of the configuration to \"allow\".",
        )
    }

    /// The message is longer than `[limits]` allows.
    pub fn too_long() -> Self {
        Self::invalid(
            "The message is longer than message_kib in [limits] of the configuration allows; pass a shorter one",
        )
    }

    /// The message carries more descriptors than its method takes.
    pub fn too_many_descriptors(most: usize) -> Self {
        Self::invalid(match most {
            0 => "This method takes no file descriptor; call it without one".to_owned(),
            1 => "This method takes one file descriptor; pass no more".to_owned(),
            most => format!("This method takes at most {most} file descriptors; pass no more"),
        })
    }

    /// The descriptors of the message did not arrive.
    pub fn descriptors_lost() -> Self {
        Self::ours(
            "Busy",
            "The daemon cannot take more file descriptors of this program now; try again when it has closed the earlier ones.",
        )
    }

    /// Two arguments of a call name the same descriptor.
    pub fn descriptor_used_twice() -> Self {
        Self::invalid("Two arguments use the same file descriptor; pass one for each")
    }

    /// An operation with this handle exists.
    pub fn handle_in_use() -> Self {
        Self::ours(
            "AlreadyExists",
            "An operation with this handle-token is running, or its result is still kept; choose a new one for each call.",
        )
    }

    /// The result belongs to another connection.
    pub fn not_the_requester() -> Self {
        Self::ours(
            "AccessDenied",
            "Only the connection that made the request may read its result; call GetResult from that connection.",
        )
    }

    /// There is no result yet.
    pub fn not_over() -> Self {
        Self::ours("Busy", "The operation has not ended; wait until its State is done, failed or cancelled.")
    }

    /// A new credential without touch would give no codes.
    pub fn touch_required_by_policy() -> Self {
        Self::ours(
            "AccessDenied",
            "With require_touch in /etc/oathbridge/policy.toml a credential without touch gives no codes; pass the option touch with true.",
        )
    }

    /// The caller did not confirm that a credential shall be deleted.
    pub fn removal_not_confirmed() -> Self {
        Self::ours(
            "ConfirmationRequired",
            "A removed credential cannot be restored; pass the option confirm with true if that is intended.",
        )
    }

    /// The caller did not confirm that the password of a token shall be changed.
    pub fn password_not_confirmed() -> Self {
        Self::ours(
            "ConfirmationRequired",
            "Without its new password a token can only be reset, which deletes its credentials; pass the option confirm with true if the change is intended.",
        )
    }

    /// There is no object at the path that was called.
    pub fn no_object() -> Self {
        Self::ours(
            "org.freedesktop.DBus.Error.UnknownObject",
            "There is no object at this path; list the objects with oathbridgectl list.",
        )
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Busy => Self::too_many_calls(),
            Refusal::RateLimited { wait, allowed } => Self::too_often(wait, allowed),
        }
    }
}

impl From<Cancellation> for Error {
    fn from(why: Cancellation) -> Self {
        let reason = match why {
            Cancellation::Caller => "The request was cancelled",
            Cancellation::CallerGone => "The program that made the request has left the bus",
            Cancellation::ScreenLocked => "The screen was locked",
            Cancellation::ScreenUnknown => "It became unknown whether the screen is locked",
            Cancellation::LockRequested => {
                return Self::ours(
                    "Cancelled",
                    "The screen was requested to lock before a code was sent; unlock it, or run \"loginctl unlock-session\" if its screen locker does not tell logind, and call again if the code is still needed.",
                );
            }
            Cancellation::Suspend => "The computer is going to sleep",
        };
        Self::ours(
            "Cancelled",
            format!("{reason} before a code was sent; call again if the code is still needed."),
        )
    }
}
