//! The systemd unit that a process belongs to, from `/proc/PID/cgroup` (cgroups(7)).

/// The innermost service or scope; nothing outside of units.
pub(super) fn unit(text: &str) -> Option<&str> {
    // Lines are ID:CONTROLLERS:PATH. Version 2 of the hierarchy has no controllers; in version 1 systemd has its own.
    ["", "name=systemd"].into_iter().find_map(|wanted| {
        text.lines().find_map(|line| {
            let (_, rest) = line.split_once(':')?;
            let (controllers, path) = rest.split_once(':')?;
            path.split('/').rev().find(|name| controllers == wanted && is_unit(name))
        })
    })
}

/// A unit that says which program it is, unlike that of a whole session.
pub(super) fn names_a_program(unit: &str) -> bool {
    let of_a_session = unit.starts_with("session-") || unit.starts_with("user@") || unit == "init.scope";
    !of_a_session
}

fn is_unit(name: &str) -> bool {
    name.ends_with(".service") || name.ends_with(".scope")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_unit_counts() {
        let slice = "/user.slice/user-1000.slice";
        for (path, expected) in [
            (
                "/user@1000.service/app.slice/app-gnome-firefox-4242.scope",
                Some("app-gnome-firefox-4242.scope"),
            ),
            ("/user@1000.service/app.slice/mail.service/helper", Some("mail.service")),
            ("/session-2.scope", Some("session-2.scope")),
            ("", None),
        ] {
            assert_eq!(unit(&format!("0::{slice}{path}\n")), expected, "{path}");
        }
    }

    #[test]
    fn old_hierarchies_have_a_line_of_systemd_s_own() {
        let text = "12:memory:/user.slice/wrong.service\n1:name=systemd:/user.slice/right.scope\n0::/\n";
        assert_eq!(unit(text), Some("right.scope"));
    }

    #[test]
    fn nonsense_names_no_unit() {
        for text in ["", "0", "0::", "a:b", "\0\0:\u{fffd}:/x", "1:name=systemd:/\n0::/\n"] {
            assert_eq!(unit(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_session_is_no_program() {
        for unit in ["session-2.scope", "user@1000.service", "init.scope"] {
            assert!(!names_a_program(unit), "{unit}");
        }
        assert!(names_a_program("app-gnome-firefox-4242.scope") && names_a_program("backup.service"));
    }
}
