//! The unit, D-Bus activation and installation. They must be consistent with each other and with the tools
//! that read them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "the whole file is a test")]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use oathbridge::dbus::names;
use testkit::programs;

const NAME: &str = "io.github.oathbridge.OathBridge1";
const UNIT: &str = "systemd/oathbridge.service";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(file: &str) -> String {
    fs::read_to_string(root().join(file)).unwrap()
}

/// The `KEY=VALUE` lines of a unit or of a D-Bus service file.
fn directives(text: &str) -> Vec<(&str, &str)> {
    text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('=')).collect()
}

fn value<'a>(directives: &[(&'a str, &'a str)], key: &str) -> &'a str {
    let values: Vec<_> = directives.iter().filter(|(name, _)| *name == key).collect();
    assert_eq!(values.len(), 1, "{key}= must occur once");
    values[0].1
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn analyze(directory: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new("systemd-analyze");
    command.args(arguments).arg("oathbridge.service").current_dir(directory);
    command
        .env("XDG_RUNTIME_DIR", directory)
        .env("HOME", directory)
        .env("SYSTEMD_COLORS", "0")
        .output()
        .unwrap()
}

/// The unit in its own directory, with an existing program.
fn unit_with_a_program() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let program = directory.path().join("oathbridged");
    programs::copy(env!("CARGO_BIN_EXE_oathbridged"), &program).unwrap();
    let unit = read(UNIT).replace("/usr/bin/oathbridged", program.to_str().unwrap());
    fs::write(directory.path().join("oathbridge.service"), unit).unwrap();
    directory
}

#[test]
fn systemd_understands_every_line_of_the_unit() {
    let directory = unit_with_a_program();
    let output = analyze(directory.path(), &["verify", "--user", "--man=no"]);
    // systemd only warns about an unknown key or system call group.
    assert!(output.status.success() && said(&output).is_empty(), "{}", said(&output));
}

#[test]
fn the_exposure_score_of_the_unit_does_not_grow() {
    let directory = unit_with_a_program();
    // Half of the remaining points are for capabilities, which a process of a user never has.
    let output = analyze(directory.path(), &["security", "--user", "--offline=yes", "--threshold=64"]);
    assert!(output.status.success(), "{}", said(&output));
}

#[test]
fn the_unit_has_the_settings_that_the_daemon_requires() {
    let text = read(UNIT);
    let unit = directives(&text);
    for (key, expected) in [
        ("Type", "dbus"),
        ("BusName", NAME),
        ("ExecStart", "/usr/bin/oathbridged"),
        ("StartLimitIntervalSec", "5min"),
        ("StartLimitBurst", "30"),
        ("RestartSec", "1s"),
        ("NotifyAccess", "main"),
        ("WatchdogSec", "3min"),
        ("Restart", "on-failure"),
        ("Environment", "MALLOC_ARENA_MAX=1"),
        ("UnsetEnvironment", "LOG_SENSITIVE_BODIES LOG_SIGNABLE_BODY"),
        ("NoNewPrivileges", "yes"),
        ("MemoryDenyWriteExecute", "yes"),
        ("RestrictAddressFamilies", "AF_UNIX AF_INET AF_INET6 AF_NETLINK"),
        ("SystemCallErrorNumber", "EPERM"),
        ("UMask", "0077"),
        ("LimitCORE", "0"),
        ("LimitNOFILE", "65536"),
        ("MemoryMax", "128M"),
        ("TasksMax", "256"),
        ("WantedBy", "smartcard.target default.target"),
    ] {
        assert_eq!(value(&unit, key), expected, "{key}=");
    }
    // A node that another program takes for a moment must not stop the unit.
    assert!(!text.contains("BindsTo="));
    let filters: Vec<_> = unit.iter().filter(|(key, _)| *key == "SystemCallFilter").collect();
    assert_eq!(
        filters,
        [&("SystemCallFilter", "@system-service"), &("SystemCallFilter", "~@privileged @resources")]
    );
}

/// A reload by a signal would always succeed.
#[test]
fn a_reload_calls_the_method_and_waits_for_it() {
    let text = read(UNIT);
    let unit = directives(&text);
    let command: Vec<_> = value(&unit, "ExecReload").split(' ').collect();
    let (program, options) = command.split_at(5);
    assert_eq!(program, ["/usr/bin/busctl", "--user", "--auto-start=no", "--timeout=30", "--quiet"]);
    let manager = format!("{}.Manager", names::BUS);
    assert_eq!(options, ["call", names::BUS, names::ROOT, &manager, "Reload"]);
}

#[test]
fn no_setting_of_the_unit_implies_a_user_namespace() {
    let text = read(UNIT);
    // Directives that imply PrivateUsers= in a user manager since systemd 254, or fail before (systemd.exec(5)).
    let starts = ["Private", "Protect", "Proc", "Capability", "Bind", "Mount", "Root", "Temporary", "Device"];
    let paths = ["ReadOnlyPaths", "ReadWritePaths", "InaccessiblePaths", "NoExecPaths", "ExecPaths"];
    let more =
        ["AmbientCapabilities", "DynamicUser", "SupplementaryGroups", "IPAddressDeny", "StateDirectory"];
    for (key, _) in directives(&text) {
        let is_banned = starts.iter().any(|start| key.starts_with(start)) || paths.contains(&key);
        assert!(
            !is_banned && !more.contains(&key),
            "{key}= takes caller identity or debugger protection away"
        );
    }
}

#[test]
fn activation_names_the_unit_and_the_unit_names_the_bus_name() {
    let file = format!("data/dbus-1/services/{NAME}.service");
    let text = read(&file);
    let service = directives(&text);
    assert_eq!(value(&service, "Name"), NAME);
    assert_eq!(value(&service, "Exec"), "/bin/false");
    let unit = value(&service, "SystemdService");
    assert_eq!(Path::new(UNIT).file_name().unwrap(), unit);
    assert_eq!(text.lines().filter(|line| *line == "[D-BUS Service]").count(), 1);
}

fn files_below(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}

fn make(goal: &str, destination: &Path) {
    let binaries = Path::new(env!("CARGO_BIN_EXE_oathbridged")).parent().unwrap();
    let mut command = Command::new("make");
    command.current_dir(root()).args([goal, "PREFIX=/opt/x"]).env_remove("MAKEFLAGS");
    command.arg(format!("DESTDIR={}", destination.display())).arg(format!("TARGET={}", binaries.display()));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
}

#[test]
fn installed_files_match_the_prefix_and_can_be_removed() {
    let destination = tempfile::tempdir().unwrap();
    make("install", destination.path());
    let prefix = destination.path().join("opt/x");
    for (file, mode) in [
        ("bin/oathbridged".to_owned(), 0o711),
        ("bin/oathbridgectl".to_owned(), 0o755),
        ("lib/systemd/user/oathbridge.service".to_owned(), 0o644),
        ("lib/udev/rules.d/70-oathbridge.rules".to_owned(), 0o644),
        ("share/doc/oathbridge/70-oathbridge-keyboard.rules".to_owned(), 0o644),
        (format!("share/dbus-1/services/{NAME}.service"), 0o644),
        ("share/doc/oathbridge/oathbridge.toml".to_owned(), 0o644),
        ("share/doc/oathbridge/LICENSE-MIT".to_owned(), 0o644),
    ] {
        let metadata = fs::metadata(prefix.join(&file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert_eq!(metadata.permissions().mode() & 0o7777, mode, "{file}");
    }
    // With access to a keyboard a program reads what it types, so the second file is an example only.
    assert_eq!(fs::read_dir(prefix.join("lib/udev/rules.d")).unwrap().count(), 1);
    let text = fs::read_to_string(prefix.join("lib/systemd/user/oathbridge.service")).unwrap();
    let unit = directives(&text);
    assert_eq!(value(&unit, "ExecStart"), "/opt/x/bin/oathbridged");
    assert_eq!(value(&unit, "ExecReload"), value(&directives(&read(UNIT)), "ExecReload"));
    for directory in ["interfaces", "services"] {
        let sources = fs::read_dir(root().join("data/dbus-1").join(directory)).into_iter().flatten().count();
        let copies = fs::read_dir(prefix.join("share/dbus-1").join(directory)).into_iter().flatten().count();
        assert_eq!(copies, sources, "{directory}");
    }
    make("uninstall", destination.path());
    assert_eq!(files_below(destination.path()), Vec::<PathBuf>::new());
}

/// Adds a program of this name at the start of the path.
fn pretend(directory: &Path, name: &str, script: &str) {
    // Another process writes the file. A child process of another test could inherit a descriptor of this process, and a
    // program that is open for writing cannot be run.
    let write = r#"printf '#!/bin/sh\n%s\n' "$2" > "$1" && chmod +x "$1""#;
    let mut command = Command::new("sh");
    command.args(["-c", write, "sh"]).arg(directory.join(name)).arg(script);
    assert!(command.status().unwrap().success());
}

fn install_packages(directory: &Path, sets: &[&str]) -> Output {
    let path = format!("{}:{}", directory.display(), std::env::var("PATH").unwrap());
    Command::new(root().join("scripts/install-packages")).args(sets).env("PATH", path).output().unwrap()
}

#[test]
fn only_missing_packages_are_installed_with_their_reasons() {
    let directory = tempfile::tempdir().unwrap();
    pretend(directory.path(), "id", "echo 0");
    pretend(
        directory.path(),
        "dpkg-query",
        r#"case $4 in pcscd|make) exit 1 ;; *) printf installed ;; esac"#,
    );
    pretend(directory.path(), "apt-get", r#"echo "apt-get $*""#);
    let output = install_packages(directory.path(), &["build", "demo", "test"]);
    assert!(output.status.success(), "{}", said(&output));
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert_eq!(
        stdout.lines().collect::<Vec<_>>(),
        ["apt-get update --quiet=2", "apt-get install --yes --quiet=2 --no-install-recommends make pcscd"]
    );
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(
        stderr.trim_end(),
        "Installing Debian packages: make (Makefile), pcscd (real smart card service)"
    );

    pretend(directory.path(), "dpkg-query", "printf installed");
    assert_eq!(said(&install_packages(directory.path(), &["build", "demo", "test"])), "");
}

#[test]
fn a_command_from_another_source_replaces_a_package() {
    let directory = tempfile::tempdir().unwrap();
    for tool in ["cat", "env", "sed", "sh", "sort", "tr"] {
        symlink(Path::new("/usr/bin").join(tool), directory.path().join(tool)).unwrap();
    }
    pretend(directory.path(), "id", "echo 0");
    pretend(directory.path(), "dpkg-query", "case $4 in nodejs|npm) exit 1 ;; *) printf installed ;; esac");
    pretend(directory.path(), "apt-get", r#"echo "apt-get $*""#);
    let installed = || {
        let mut command = Command::new("/bin/sh");
        command.arg(root().join("scripts/install-packages")).arg("test").env("PATH", directory.path());
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    assert!(installed().trim_end().ends_with("recommends nodejs npm"), "{}", installed());
    pretend(directory.path(), "node", "");
    assert!(installed().trim_end().ends_with("recommends npm"), "{}", installed());
    pretend(directory.path(), "npm", "");
    assert_eq!(installed(), "");
}

#[test]
fn a_failure_of_apt_get_is_returned() {
    let directory = tempfile::tempdir().unwrap();
    pretend(directory.path(), "dpkg-query", "exit 1");
    pretend(directory.path(), "apt-get", "exit 100");
    pretend(directory.path(), "id", "echo 0");
    assert_eq!(install_packages(directory.path(), &["build"]).status.code(), Some(100));
    let unknown = install_packages(directory.path(), &["build", "tests"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(said(&unknown).contains("usage"), "{}", said(&unknown));
}
