//! Sentences for errors of the bus and of systemd: the daemon does not run, or is another version.

/// The sentence for an error with this full name; `None` if the sentence of the reply will do.
pub(super) fn sentence(name: &str, said: &str) -> Option<String> {
    let bus = name.strip_prefix("org.freedesktop.DBus.Error.").unwrap_or_default();
    let systemd = name.strip_prefix("org.freedesktop.systemd1.").unwrap_or_default();
    let sentence = match (bus, systemd) {
        ("ServiceUnknown" | "NameHasNoOwner", _) => {
            "The daemon is not running; start it with `systemctl --user start oathbridge`."
        }
        (_, "UnitMasked") => "oathbridge.service is masked; run `systemctl --user unmask oathbridge`.",
        _ if said.contains("is masked") => {
            "oathbridge.service is masked; run `systemctl --user unmask oathbridge`."
        }
        (_, "NoSuchUnit" | "LoadFailed") => {
            "systemd does not know oathbridge.service; run `systemctl --user daemon-reload`, or run `oathbridged` yourself in this session."
        }
        (spawn, _) if spawn.starts_with("Spawn.") => {
            "The daemon can't be started without systemd; run `oathbridged` yourself in this session."
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
