//! Sentences for errors of the bus and of systemd: the daemon does not run, or is another version.
//!
//! These errors come from a start that the call itself caused. The status tells what systemd knows of the last run.

/// The clause for a masked unit.
pub(in crate::ctl) const MASKED: &str =
    "the unit oathbridge.service is masked; run `systemctl --user unmask oathbridge`";

/// The clause for a unit that is not installed.
pub(in crate::ctl) const NO_UNIT: &str = "there is no unit oathbridge.service; install it, run `systemctl --user daemon-reload` if it is there, or run `oathbridged` yourself in this session";

/// The sentence for an error with this full name; `None` if the sentence of the reply will do.
pub(super) fn sentence(name: &str, said: &str) -> Option<String> {
    let bus = name.strip_prefix("org.freedesktop.DBus.Error.").unwrap_or_default();
    let systemd = name.strip_prefix("org.freedesktop.systemd1.").unwrap_or_default();
    let sentence = match (bus, systemd) {
        ("ServiceUnknown" | "NameHasNoOwner", _) => {
            "The daemon is not running; start it with `systemctl --user start oathbridge`, or see what is wrong with `oathbridgectl status`."
        }
        ("NoServer", _) => {
            "The session bus is not reachable; log in to a desktop session, or see what is wrong with `oathbridgectl status`."
        }
        ("AccessDenied" | "AuthFailed", _) => {
            "The session bus does not let this program call the daemon; allow it in the settings of its sandbox."
        }
        _ if is_masked(name, said) => return Some(as_sentence(MASKED)),
        (_, "NoSuchUnit" | "LoadFailed") => return Some(as_sentence(NO_UNIT)),
        (spawn, _) if spawn.starts_with("Spawn.") => {
            "The daemon can't be started without systemd; run `oathbridged` yourself in this session, which prints what is wrong."
        }
        _ if !systemd.is_empty() => {
            "The daemon can't be started by systemd; read the journal with `journalctl --user -u oathbridge`."
        }
        ("UnknownMethod" | "UnknownInterface" | "UnknownProperty", _) => {
            "The running daemon has another version than oathbridgectl and does not support this; restart it with `systemctl --user restart oathbridge`."
        }
        ("UnknownObject", _) => {
            "The token or credential has gone meanwhile; list what is there with `oathbridgectl list`."
        }
        _ => return None,
    };
    Some(sentence.to_owned())
}

fn as_sentence(clause: &str) -> String {
    let mut letters = clause.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).chain(['.']).collect()
}

/// Whether the unit of the daemon is masked. A bus may tell this error of systemd by a general name.
pub(in crate::ctl) fn is_masked(name: &str, said: &str) -> bool {
    name == "org.freedesktop.systemd1.UnitMasked"
        || (name == "org.freedesktop.DBus.Error.Failed" && said.contains("is masked"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_daemon_that_cannot_be_started_has_a_next_step() {
        for (name, said, step) in [
            ("org.freedesktop.DBus.Error.ServiceUnknown", "", "systemctl --user start oathbridge"),
            ("org.freedesktop.systemd1.UnitMasked", "", "unmask oathbridge"),
            ("org.freedesktop.DBus.Error.Failed", "Unit oathbridge.service is masked.", "unmask oathbridge"),
            ("org.freedesktop.DBus.Error.Spawn.ChildExited", "Process exited with status 1", "`oathbridged`"),
            ("org.freedesktop.systemd1.NoSuchUnit", "Unit not found", "daemon-reload"),
        ] {
            assert!(sentence(name, said).is_some_and(|own| own.contains(step)), "{name}");
        }
        assert_eq!(sentence("com.example.Error", "Any."), None);
    }
}
