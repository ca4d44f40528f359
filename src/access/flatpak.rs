//! The id of a Flatpak application, from the `.flatpak-info` that Flatpak puts into its sandbox
//! (flatpak-metadata(5)).

use super::cgroup;

/// The maximum length of a Flatpak id, in bytes.
const MAX_ID_BYTES: usize = 255;

/// The `name` of `[Application]`, or the id of a running runtime; `None` if neither is a valid id.
pub(super) fn application(text: &str) -> Option<String> {
    let mut section = "";
    text.lines().find_map(|line| {
        let line = line.trim();
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section = name;
        }
        let (key, value) = line.split_once('=')?;
        let is_name = matches!((section, key.trim()), ("Application", "name") | ("Runtime", "runtime"));
        (is_name && is_id(value.trim())).then(|| value.trim().to_owned())
    })
}

/// Whether the unit of a process confirms that it is this application. Without systemd there is no confirmation.
pub(super) fn agrees(id: &str, unit: Option<&str>, systemd_runs: bool) -> bool {
    // A running runtime is `runtime/NAME/ARCHITECTURE/BRANCH`, and its unit has the name.
    let name = id.strip_prefix("runtime/").unwrap_or(id);
    let name = name.split('/').next().unwrap_or(name);
    match unit {
        Some(unit) => cgroup::application(unit).is_some_and(|known| known == name),
        None => !systemd_runs,
    }
}

fn is_id(text: &str) -> bool {
    (1..=MAX_ID_BYTES).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_the_application_counts() {
        let text = "[Application]\nname=org.example.App\nruntime=runtime/org.gnome.Platform/x86_64/48\n\n\
                    [Instance]\nname=org.evil.App\n";
        assert_eq!(application(text).as_deref(), Some("org.example.App"));
        assert_eq!(application("[Instance]\nname=org.evil.App\n"), None);
    }

    #[test]
    fn a_process_in_another_unit_is_not_the_application() {
        let agrees = |id: &str, unit: &str| agrees(id, Some(unit), true);
        let own = "app-flatpak-org.example.App-71.scope";
        assert!(agrees("org.example.App", own));
        assert!(agrees("org.example.App/x86_64/48", own) && agrees("runtime/org.example.App/x86_64/48", own));
        for unit in [
            "app-flatpak-org.example.Other-71.scope",
            "libpod-1.scope",
            "session-2.scope",
            "user@1000.service",
        ] {
            assert!(!agrees("org.example.App", unit), "{unit}");
        }
    }

    #[test]
    fn with_systemd_a_process_without_unit_is_not_the_application() {
        assert!(agrees("org.example.App", None, false) && !agrees("org.example.App", None, true));
    }

    #[test]
    fn an_invalid_id_is_not_an_application() {
        for name in ["", "a b", "a\u{1b}[31m", "é", &"a".repeat(256)] {
            assert_eq!(application(&format!("[Application]\nname={name}\n")), None, "{name:?}");
        }
    }
}
