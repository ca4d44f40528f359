//! `make install` and `make uninstall` are silent, and what is installed refers to installed files only.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

const NAME: &str = "io.github.oathbridge.OathBridge1";

/// `/usr`, the default, and one that no system has.
const PREFIXES: [&str; 3] = ["/usr", "/usr/local", "/opt/x"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Runs a goal of the `Makefile` on the programs of the tests; it must print nothing.
fn make(goal: &str, prefix: &str, destination: &Path) {
    let binaries = Path::new(env!("CARGO_BIN_EXE_oathbridged")).parent().unwrap();
    let mut command = Command::new("make");
    command.current_dir(root()).args([goal, &format!("PREFIX={prefix}")]).env_remove("MAKEFLAGS");
    command.arg(format!("DESTDIR={}", destination.display())).arg(format!("TARGET={}", binaries.display()));
    let output = command.output().unwrap();
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.is_empty(), "{goal} {prefix}: {said}");
}

/// Installs below the prefix in a folder of its own, and returns that folder and the folder of the prefix.
fn install(prefix: &str) -> (tempfile::TempDir, PathBuf) {
    let destination = tempfile::tempdir().unwrap();
    make("install", prefix, destination.path());
    let installed = destination.path().join(prefix.trim_start_matches('/'));
    (destination, installed)
}

/// Files and folders below a folder.
fn below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| if path.is_dir() { [below(&path), vec![path]].concat() } else { vec![path] })
        .collect()
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
            ("share/fish/vendor_completions.d/oathbridgectl.fish", 0o644),
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
fn zsh_finds_its_completion() {
    let is_debian = Path::new("/etc/debian_version").exists();
    for prefix in PREFIXES {
        let folder = if is_debian && prefix == "/usr" { "vendor-completions" } else { "site-functions" };
        let (_destination, installed) = install(prefix);
        assert!(installed.join("share/zsh").join(folder).join("_oathbridgectl").exists(), "{prefix}");
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

        let (mut links, mut paths) = (0, 0);
        for file in below(&installed.join("share/doc/oathbridge")) {
            if file.extension().is_none_or(|extension| extension != "md") {
                continue;
            }
            let text = fs::read_to_string(&file).unwrap();
            for link in links_of(&text) {
                assert!(file.parent().unwrap().join(link).exists(), "{}: {link} is missing", file.display());
                links += 1;
            }
            for path in text.split([' ', '`', '\n']).filter(|word| word.contains("/share/doc/oathbridge/")) {
                let path = path.trim_start_matches('/');
                assert!(destination.path().join(path).exists(), "{}: {path} is missing", file.display());
                paths += 1;
            }
        }
        assert!(links >= 10 && paths >= 1, "{links} links and {paths} paths were found");
    }
}

/// The links to other files, without the anchors in them.
fn links_of(text: &str) -> impl Iterator<Item = &str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target);
    let files = targets.map(|target| target.split('#').next().unwrap_or_default());
    files.filter(|file| !file.is_empty() && !file.contains(':'))
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
