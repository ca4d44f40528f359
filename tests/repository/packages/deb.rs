//! The Debian package of `make deb`, made here of the programs that the tests use.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::{NAME, follow_links, has, package, root, run, said};

/// The files whose names do not contain the bus name.
const PARTS: [&str; 20] = [
    "/usr/bin/oathbridgectl",
    "/usr/bin/oathbridged",
    "/usr/lib/systemd/user/oathbridge.service",
    "/usr/lib/udev/rules.d/70-oathbridge.rules",
    "/usr/share/bash-completion/completions/oathbridgectl",
    "/usr/share/bash-completion/completions/oathbridged",
    "/usr/share/doc/oathbridge/70-oathbridge-keyboard.rules",
    "/usr/share/doc/oathbridge/README.md",
    "/usr/share/doc/oathbridge/changelog.Debian.gz",
    "/usr/share/doc/oathbridge/changelog.gz",
    "/usr/share/doc/oathbridge/config/oathbridge.toml",
    "/usr/share/doc/oathbridge/copyright",
    "/usr/share/doc/oathbridge/third-party.gz",
    "/usr/share/fish/vendor_completions.d/oathbridgectl.fish",
    "/usr/share/fish/vendor_completions.d/oathbridged.fish",
    "/usr/share/man/man1/oathbridgectl.1.gz",
    "/usr/share/man/man5/oathbridge.toml.5.gz",
    "/usr/share/man/man8/oathbridged.8.gz",
    "/usr/share/zsh/vendor-completions/_oathbridgectl",
    "/usr/share/zsh/vendor-completions/_oathbridged",
];

/// A field of the package's control file.
fn field(package: &Path, name: &str) -> String {
    run(Command::new("dpkg-deb").arg("--field").arg(package).arg(name)).trim_end().to_owned()
}

/// Unpacks the package.
fn unpacked(package: &Path) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    run(Command::new("dpkg-deb").arg("--extract").arg(package).arg(folder.path()));
    folder
}

/// Permissions and path of each file and folder, as `tar` shows them; all of them belong to root.
fn contents(package: &Path) -> BTreeSet<(String, String)> {
    let listed = run(Command::new("dpkg-deb").arg("--contents").arg(package));
    let entry = |line: &str| {
        let words: Vec<_> = line.split_whitespace().collect();
        assert_eq!(words[1], "0/0", "{line}");
        (words[0].to_owned(), words[5].trim_start_matches('.').to_owned())
    };
    listed.lines().map(entry).collect()
}

#[test]
fn the_daemon_is_unreadable_and_nothing_else_is_unusual() {
    let Some(package) = package() else { return };
    for (mode, path) in contents(package) {
        let expected = match path.as_str() {
            "/usr/bin/oathbridged" => "-rwx--x--x",
            "/usr/bin/oathbridgectl" => "-rwxr-xr-x",
            folder if folder.ends_with('/') => "drwxr-xr-x",
            _ => "-rw-r--r--",
        };
        assert_eq!(mode, expected, "{path}");
    }
}

/// A purge removes the files of the package, so nothing of ours is left if there are no others.
#[test]
fn there_are_files_below_usr_only_and_no_scripts() {
    let Some(package) = package() else { return };
    for (_, path) in contents(package) {
        assert!(path.starts_with("/usr/"), "{path}");
        assert!(!path.starts_with("/usr/local/"), "{path}");
    }
    let control = tempfile::tempdir().unwrap();
    run(Command::new("dpkg-deb").arg("--control").arg(package).arg(control.path()));
    for entry in fs::read_dir(control.path()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(["control", "md5sums"].contains(&name.as_str()), "{name}");
    }
}

#[test]
fn every_part_is_packed() {
    let Some(package) = package() else { return };
    let packed: BTreeSet<_> = contents(package).into_iter().map(|(_, path)| path).collect();
    let mut expected: Vec<String> = PARTS.map(str::to_owned).into();
    expected.push(format!("/usr/share/dbus-1/services/{NAME}.service"));
    expected.push(format!("/usr/share/icons/hicolor/scalable/apps/{NAME}.svg"));
    expected.push(format!("/usr/share/metainfo/{NAME}.metainfo.xml"));
    for entry in fs::read_dir(root().join("data/dbus-1/interfaces")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        expected.push(format!("/usr/share/dbus-1/interfaces/{name}"));
    }
    for path in expected {
        assert!(packed.contains(&path), "{path}");
    }
    assert!(follow_links(&unpacked(package).path().join("usr/share/doc/oathbridge")) >= 10);
}

/// The loader of glibc refuses packed relocations before 2.36, and `dpkg-shlibdeps` does not know that.
#[test]
fn the_dependencies_are_those_of_the_programs() {
    let Some(package) = package() else { return };
    if !has("dpkg-shlibdeps") {
        return;
    }
    let folder = unpacked(package);
    let programs = ["oathbridged", "oathbridgectl"].map(|name| folder.path().join("usr/bin").join(name));
    fs::create_dir(folder.path().join("debian")).unwrap();
    fs::write(folder.path().join("debian/control"), "Source: x\n\nPackage: x\nArchitecture: any\n").unwrap();
    let mut shlibdeps = Command::new("dpkg-shlibdeps");
    let found = run(shlibdeps.arg("-O").args(&programs).current_dir(folder.path()));
    let needed = found.trim().strip_prefix("shlibs:Depends=").unwrap();
    let depends = field(package, "Depends");
    let listed: Vec<_> = depends.split(", ").collect();
    let is_packed = run(Command::new("readelf").arg("-d").arg(&programs[0])).contains("(RELR)");
    assert!(!is_packed || listed.contains(&"libc6 (>= 2.36)"), "{depends}");
    for one in needed.split(", ") {
        let (name, version) = one.trim_end_matches(')').split_once(" (>= ").unwrap();
        let start = format!("{name} (>= ");
        let allowed = listed.iter().find_map(|listed| listed.strip_prefix(&start)).unwrap_or("0");
        let mut compare = Command::new("dpkg");
        compare.args(["--compare-versions", version, "le", allowed.trim_end_matches(')')]);
        assert!(compare.status().unwrap().success(), "{one} is not in {depends}; build it on Debian 12");
    }
    // Without systemd on the session bus, D-Bus cannot start the daemon.
    assert!(listed.contains(&"dbus-user-session"), "{depends}");
    assert_eq!(field(package, "Recommends"), "pcscd");
}

#[test]
fn lintian_has_one_reason_to_complain() {
    let Some(package) = package() else { return };
    if !has("lintian") {
        return;
    }
    let mut lintian = Command::new("lintian");
    lintian.args(["--fail-on", "error,warning", "--allow-root"]);
    // The programs of the tests may have symbols; scripts/accept/deb checks what ships.
    let output =
        lintian.args(["--suppress-tags", "unstripped-binary-or-object"]).arg(package).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let overrides = fs::read_to_string(root().join("debian/oathbridge.lintian-overrides")).unwrap();
    let overrides = overrides.lines().filter(|line| !line.starts_with('#'));
    assert!(
        overrides.into_iter().all(|line| line.ends_with(" [usr/bin/oathbridged]") && line.contains(" 0711 "))
    );
}
