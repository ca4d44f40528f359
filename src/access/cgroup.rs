//! The systemd unit that a process belongs to, from `/proc/PID/cgroup` (cgroups(7)).

/// The outermost service or scope; below the user's own systemd, the outermost one below that. Everything deeper is
/// delegated and named by the program itself. `None` outside of units.
pub(super) fn unit(text: &str) -> Option<&str> {
    find(text, unit_of)
}

/// The outermost service or scope below the user's own systemd; `None` for others.
pub(super) fn unit_of_user(text: &str) -> Option<&str> {
    find(text, |path| {
        let mut names = names(path);
        names.next().filter(|name| is_manager(name))?;
        names.next().filter(|name| is_unit(name))
    })
}

fn find(text: &str, unit_of: impl Fn(&str) -> Option<&str>) -> Option<&str> {
    // Lines are ID:CONTROLLERS:PATH. Version 2 of the hierarchy has no controllers; in version 1 systemd has its own.
    ["", "name=systemd"].into_iter().find_map(|wanted| {
        text.lines().find_map(|line| {
            let (_, rest) = line.split_once(':')?;
            let (controllers, path) = rest.split_once(':')?;
            (controllers == wanted).then(|| unit_of(path)).flatten()
        })
    })
}

/// Like systemd's `cg_path_get_unit` and `cg_path_get_user_unit` (src/basic/cgroup-util.c).
fn unit_of(path: &str) -> Option<&str> {
    let mut names = names(path);
    let unit = names.next().filter(|name| is_unit(name))?;
    if !is_manager(unit) {
        return Some(unit);
    }
    names.next().filter(|name| is_unit(name)).or(Some(unit))
}

/// The parts of a path without slices.
fn names(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|name| !name.is_empty() && !is_slice(name))
}

/// Whether a unit identifies a program, unlike the unit of a whole session.
pub(super) fn names_a_program(unit: &str) -> bool {
    let of_a_session = unit.starts_with("session-") || is_manager(unit) || unit == "init.scope";
    !of_a_session
}

/// The id of the Flatpak application of a unit. systemd creates such a unit for each application that Flatpak runs
/// (flatpak-run.c, `app-flatpak-ID-INSTANCE.scope`).
pub(super) fn application(unit: &str) -> Option<String> {
    let name = unit.strip_prefix("app-flatpak-")?.strip_suffix(".scope")?;
    let (id, _instance) = name.rsplit_once('-')?;
    unescaped(id)
}

/// Reverses systemd-escape(1): bytes as `\xNN`.
fn unescaped(text: &str) -> Option<String> {
    let mut parts = text.split("\\x");
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (code, rest) = part.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(code, 16).ok()?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).ok()
}

fn is_slice(name: &str) -> bool {
    name.ends_with(".slice")
}

fn is_unit(name: &str) -> bool {
    name.ends_with(".service") || name.ends_with(".scope")
}

/// Whether the unit is the user's own systemd.
fn is_manager(unit: &str) -> bool {
    unit.starts_with("user@") && unit.ends_with(".service")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_unit_that_systemd_created_counts() {
        let slice = "/user.slice/user-1000.slice";
        for (path, expected) in [
            (
                "/user@1000.service/app.slice/app-gnome-firefox-4242.scope",
                Some("app-gnome-firefox-4242.scope"),
            ),
            ("/user@1000.service/app.slice/app-graphical.slice/mail.service", Some("mail.service")),
            ("/user@1000.service/app.slice/mail.service/helper", Some("mail.service")),
            ("/user@1000.service/app.slice/mail.service/bank.service", Some("mail.service")),
            ("/user@1000.service/user.slice/libpod-1.scope/x.slice/bank.service", Some("libpod-1.scope")),
            ("/user@1000.service/app.slice/helper/bank.service", Some("user@1000.service")),
            ("/user@1000.service/init.scope", Some("init.scope")),
            ("/user@1000.service", Some("user@1000.service")),
            ("/session-2.scope", Some("session-2.scope")),
            ("/session-2.scope/bank.service", Some("session-2.scope")),
            ("", None),
        ] {
            assert_eq!(unit(&format!("0::{slice}{path}\n")), expected, "{path}");
        }
        let of_the_system =
            "0::/system.slice/system-docker.slice/docker-1.scope/user@1000.service/bank.service\n";
        assert_eq!(unit(of_the_system), Some("docker-1.scope"));
        assert_eq!(unit("0::/lxc/bank.service\n"), None);
        assert_eq!(unit("0::/../bank.service\n"), None);
    }

    #[test]
    fn only_a_unit_below_the_users_systemd_is_one_of_the_user() {
        let slice = "0::/user.slice/user-1000.slice";
        for (path, expected) in [
            (format!("{slice}/user@1000.service/app.slice/mail.service/helper"), Some("mail.service")),
            (format!("{slice}/user@1000.service"), None),
            (format!("{slice}/session-2.scope/mail.service"), None),
            ("0::/system.slice/mail.service".to_owned(), None),
            ("0::/system.slice/docker-1.scope/user@1000.service/mail.service".to_owned(), None),
        ] {
            assert_eq!(unit_of_user(&path), expected, "{path}");
        }
    }

    #[test]
    fn the_unit_of_a_flatpak_application_contains_its_id() {
        for (unit, expected) in [
            ("app-flatpak-org.example.Chat-4242.scope", Some("org.example.Chat")),
            ("app-flatpak-org.example.Two\\x2dpart-4242.scope", Some("org.example.Two-part")),
            ("app-flatpak-org.example.Bad\\x2-4242.scope", None),
            ("app-flatpak-.scope", None),
            ("app-gnome-org.example.Chat-4242.scope", None),
            ("app-flatpak-org.example.Chat-4242.service", None),
        ] {
            assert_eq!(application(unit).as_deref(), expected, "{unit}");
        }
    }

    #[test]
    fn in_version_1_the_line_of_systemd_counts() {
        let text = "12:memory:/user.slice/wrong.service\n1:name=systemd:/user.slice/right.scope\n0::/\n";
        assert_eq!(unit(text), Some("right.scope"));
    }

    #[test]
    fn invalid_text_has_no_unit() {
        for text in ["", "0", "0::", "a:b", "\0\0:\u{fffd}:/x", "1:name=systemd:/\n0::/\n"] {
            assert_eq!(unit(text), None, "{text:?}");
        }
    }

    #[test]
    fn the_unit_of_a_session_does_not_identify_a_program() {
        for unit in ["session-2.scope", "user@1000.service", "init.scope"] {
            assert!(!names_a_program(unit), "{unit}");
        }
        assert!(names_a_program("app-gnome-firefox-4242.scope") && names_a_program("backup.service"));
    }
}
