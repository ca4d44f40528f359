//! Exit codes, and the exit code of each D-Bus error.

use crate::dbus::names;

/// The command succeeded.
pub const DONE: u8 = 0;
/// A failure without an exit code of its own.
pub const FAILED: u8 = 1;
/// The arguments are invalid, or a confirmation is missing.
pub const USAGE: u8 = 2;
/// No such credential, token or profile.
pub const NOT_FOUND: u8 = 3;
/// More than one credential or token matches.
pub const AMBIGUOUS: u8 = 4;
/// The token is locked, or refused the password or PIN.
pub const LOCKED: u8 = 5;
/// The token was not touched in time.
pub const TOUCH: u8 = 6;
/// The time step is spent, or the timeout passed: try later.
pub const LATER: u8 = 7;
/// Amazon Cognito refused the request.
pub const REFUSED: u8 = 8;
/// Amazon Cognito may have received a request, with a code or in a sign-in, whose outcome is unknown.
pub const UNKNOWN: u8 = 9;
/// The daemon is not reachable.
pub const UNREACHABLE: u8 = 10;

/// The exit codes, for `--help`.
pub const HELP: &str = "\
Exit codes:
   0  done
   1  failed
   2  wrong usage, or a confirmation is missing
   3  no such credential, token or profile
   4  more than one credential or token matches
   5  the token is locked, or refused the password or PIN
   6  the token was not touched in time
   7  the time step is spent, or the timeout passed; try later
   8  Amazon Cognito refused the request
   9  Amazon Cognito may have received a request whose outcome is unknown
  10  the daemon is not reachable";

/// The exit code for a D-Bus error, by its full name.
pub fn of_error(name: &str) -> u8 {
    if let Some(ours) = name.strip_prefix(names::ERROR) {
        return of_ours(ours);
    }
    // systemd does not start the daemon for a call.
    if name.starts_with("org.freedesktop.systemd1.") {
        return UNREACHABLE;
    }
    match name.strip_prefix("org.freedesktop.DBus.Error.").unwrap_or_default() {
        "InvalidArgs" => USAGE,
        "UnknownObject" => NOT_FOUND,
        "ServiceUnknown" | "NameHasNoOwner" | "NoReply" | "NoServer" | "Disconnected" | "AccessDenied"
        | "AuthFailed" | "TimedOut" | "Timeout" => UNREACHABLE,
        spawn if spawn.starts_with("Spawn.") => UNREACHABLE,
        _ => FAILED,
    }
}

fn of_ours(name: &str) -> u8 {
    match name {
        "ConfirmationRequired" => USAGE,
        "NoSuchCredential" | "NoSuchToken" | "NoSuchProfile" | "TokenRemoved" => NOT_FOUND,
        "Ambiguous" => AMBIGUOUS,
        "TokenLocked" | "WrongPassword" | "AttemptsLow" | "PinBlocked" => LOCKED,
        "TouchTimeout" | "TouchRequired" => TOUCH,
        "StepSpent" | "Timeout" | "TokenBusy" | "Busy" | "RateLimited" => LATER,
        "Cognito.OutcomeUnknown" => UNKNOWN,
        cognito if cognito.starts_with("Cognito.") => REFUSED,
        _ => FAILED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_has_its_documented_exit_code() {
        for (name, code) in [
            ("io.github.oathbridge.OathBridge1.Error.NoSuchProfile", NOT_FOUND),
            ("io.github.oathbridge.OathBridge1.Error.Ambiguous", AMBIGUOUS),
            ("io.github.oathbridge.OathBridge1.Error.WrongPassword", LOCKED),
            ("io.github.oathbridge.OathBridge1.Error.TouchRequired", TOUCH),
            ("io.github.oathbridge.OathBridge1.Error.StepSpent", LATER),
            ("io.github.oathbridge.OathBridge1.Error.Cognito.CodeMismatch", REFUSED),
            ("io.github.oathbridge.OathBridge1.Error.Cognito.OutcomeUnknown", UNKNOWN),
            ("io.github.oathbridge.OathBridge1.Error.Network", FAILED),
            ("io.github.oathbridge.OathBridge1.Error.SomethingNewer", FAILED),
            ("org.freedesktop.DBus.Error.InvalidArgs", USAGE),
            ("org.freedesktop.DBus.Error.UnknownObject", NOT_FOUND),
            ("org.freedesktop.DBus.Error.Spawn.ChildExited", UNREACHABLE),
            ("org.freedesktop.systemd1.UnitMasked", UNREACHABLE),
            ("org.freedesktop.DBus.Error.UnknownMethod", FAILED),
            ("com.example.Error", FAILED),
        ] {
            assert_eq!(of_error(name), code, "{name}");
        }
    }
}
