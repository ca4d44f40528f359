//! `make install` and `make uninstall` are silent, and what is installed refers to installed files only.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{NAME, below, follow_links, programs, root, said};

/// `/usr`, the default, and one that no system has.
const PREFIXES: [&str; 3] = ["/usr", "/usr/local", "/opt/x"];

/// Runs a goal of the `Makefile` on the programs of the tests; it must print nothing.
fn make(goal: &str, prefix: &str, destination: &Path) {
    let mut command = Command::new("make");
    command.current_dir(root()).args([goal, &format!("PREFIX={prefix}")]).env_remove("MAKEFLAGS");
    command.arg(format!("DESTDIR={}", destination.display())).arg(format!("TARGET={}", programs().display()));
    let output = command.output().unwrap();
    assert!(output.status.success() && said(&output).is_empty(), "{goal} {prefix}: {}", said(&output));
}

/// Installs below the prefix in a folder of its own, and returns that folder and the folder of the prefix.
fn install(prefix: &str) -> (tempfile::TempDir, PathBuf) {
    let destination = tempfile::tempdir().unwrap();
    make("install", prefix, destination.path());
    let installed = destination.path().join(prefix.trim_start_matches('/'));
    (destination, installed)
}

#[test]
fn every_file_is_where_programs_look_for_it() {
    for prefix in PREFIXES {
        let (_destination, installed) = install(prefix);
        for (file, mode) in [
            ("bin/oathbridged", 0o711),
            ("bin/oathbridgectl", 0o755),
            ("lib/systemd/user/oathbridge.service", 0o644),
            ("lib/udev/rules.d/70-oathbridge.rules", 0o644),
            (&format!("share/dbus-1/services/{NAME}.service"), 0o644),
            ("share/bash-completion/completions/oathbridgectl", 0o644),
            ("share/bash-completion/completions/oathbridged", 0o644),
            ("share/fish/vendor_completions.d/oathbridgectl.fish", 0o644),
            ("share/fish/vendor_completions.d/oathbridged.fish", 0o644),
            ("share/man/man1/oathbridgectl.1", 0o644),
            ("share/man/man5/oathbridge.toml.5", 0o644),
            ("share/man/man8/oathbridged.8", 0o644),
            ("share/doc/oathbridge/70-oathbridge-keyboard.rules", 0o644),
            ("share/doc/oathbridge/config/oathbridge.toml", 0o644),
            ("share/doc/oathbridge/LICENSE-MIT", 0o644),
        ] {
            let file = installed.join(file);
            let metadata = fs::metadata(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            assert_eq!(metadata.permissions().mode() & 0o7777, mode, "{}", file.display());
        }
        // With access to a keyboard a program reads what it types, so the second file is an example only.
        assert_eq!(fs::read_dir(installed.join("lib/udev/rules.d")).unwrap().count(), 1);
        for folder in ["interfaces", "services"] {
            let count = |path: PathBuf| fs::read_dir(path).unwrap().count();
            let sources = count(root().join("data/dbus-1").join(folder));
            assert_eq!(count(installed.join("share/dbus-1").join(folder)), sources, "{folder}");
        }
    }
}

/// zsh of Debian has the first folder in its `fpath`, and not the usual one below `/usr` (README.Debian of zsh).
#[test]
fn zsh_finds_its_completions() {
    let is_debian = Path::new("/etc/debian_version").exists();
    for prefix in PREFIXES {
        let folder = if is_debian && prefix == "/usr" { "vendor-completions" } else { "site-functions" };
        let (_destination, installed) = install(prefix);
        for name in ["_oathbridgectl", "_oathbridged"] {
            assert!(installed.join("share/zsh").join(folder).join(name).exists(), "{prefix} {name}");
        }
    }
}

#[test]
fn no_installed_file_names_a_missing_one() {
    for prefix in PREFIXES {
        let (destination, installed) = install(prefix);
        let unit = fs::read_to_string(installed.join("lib/systemd/user/oathbridge.service")).unwrap();
        let program = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
        assert_eq!(program, format!("{prefix}/bin/oathbridged"));
        let service = installed.join(format!("share/dbus-1/services/{NAME}.service"));
        assert!(fs::read_to_string(service).unwrap().contains("\nSystemdService=oathbridge.service\n"));

        let documents = installed.join("share/doc/oathbridge");
        let links = follow_links(&documents);
        let readme = fs::read_to_string(documents.join("README.md")).unwrap();
        let is_ours = |word: &&str| word.contains("/share/doc/oathbridge/");
        let paths: Vec<_> = readme.split([' ', '`', '\n']).filter(is_ours).collect();
        for path in &paths {
            let file = destination.path().join(path.trim_start_matches('/'));
            assert!(path.starts_with(prefix) && file.exists(), "README.md of {prefix}: {path} is missing");
        }
        assert!(links >= 10 && !paths.is_empty(), "{links} links and {paths:?} were found");
    }
}

#[test]
fn removal_leaves_the_folders_that_every_system_has() {
    for prefix in PREFIXES {
        let (destination, installed) = install(prefix);
        let foreign = installed.join("share/fish/vendor_completions.d/other.fish");
        fs::write(&foreign, "").unwrap();
        make("uninstall", prefix, destination.path());
        let left: BTreeSet<_> =
            below(&installed).into_iter().filter(|path| !foreign.starts_with(path)).collect();
        let expected = ["bin", "lib", "share/man"].map(|folder| installed.join(folder));
        assert_eq!(left, BTreeSet::from(expected));
        assert!(foreign.exists());
        // There is nothing left to remove, which is no error.
        make("uninstall", prefix, destination.path());
    }
}
