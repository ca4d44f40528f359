//! The id of a Flatpak application, from the `.flatpak-info` that Flatpak puts into its sandbox
//! (flatpak-metadata(5)).

/// The longest id that Flatpak allows.
const LONGEST: usize = 255;

/// `name` of `[Application]`, or `runtime` if it is a runtime that runs; nothing if neither is an id.
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

fn is_id(text: &str) -> bool {
    (1..=LONGEST).contains(&text.len())
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
    fn what_is_no_id_is_no_application() {
        for name in ["", "a b", "a\u{1b}[31m", "é", &"a".repeat(256)] {
            assert_eq!(application(&format!("[Application]\nname={name}\n")), None, "{name:?}");
        }
    }
}
