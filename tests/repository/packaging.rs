//! The unit, D-Bus activation and the packages that scripts need. They must be consistent with each other and with the
//! tools that read them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "the whole file is a test")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use oathbridge::dbus::names;
use testkit::installed::file_of_package;
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
    // The colon adds the folders of the system.
    let units = file_of_package("/usr/lib/systemd/user/dbus.socket");
    let units = format!("{}:{}:", directory.display(), units.parent().unwrap().display());
    command
        .env("SYSTEMD_UNIT_PATH", units)
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
    // A small system may lack them.
    let unit = unit.replace("/bin/kill", "/bin/sh").replace("/usr/bin/busctl", "/bin/sh");
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

/// The value of a constant in a source file, which is a number or a product of numbers.
fn constant(file: &str, name: &str) -> u64 {
    let text = read(file);
    let start = format!("const {name}: usize = ");
    let value = text.lines().find_map(|line| line.split_once(&start)?.1.strip_suffix(';')).unwrap();
    value.split(" * ").map(|factor| factor.replace('_', "").parse::<u64>().unwrap()).product()
}

/// A daemon at its own limits must not meet those of the unit, and a broken one must meet them before the computer suffers.
#[test]
fn the_unit_leaves_room_for_what_the_daemon_may_use() {
    let text = read(UNIT);
    let unit = directives(&text);
    // In KiB. The load tests check the peak of a hostile load, which does not reach all limits at once.
    let peak = constant("tests/load/hostile/programs.rs", "MAX_PEAK");
    let memory: u64 = value(&unit, "MemoryMax").strip_suffix('M').unwrap().parse().unwrap();
    assert!((4 * peak..=8 * peak).contains(&(memory * 1024)), "{memory} MiB, {peak} KiB");
    let pool = constant("src/bin/oathbridged.rs", "MAX_BLOCKING_THREADS");
    let closers = constant("src/dbus/descriptors/unclosed.rs", "MAX_THREADS");
    let devices = constant("src/registry/keeper/mod.rs", "MAX_DEVICES");
    // The main thread, the closers of two buses, and three transports (pcscd, HID, and that of virtual tokens), each with a
    // monitor and a thread for each device. Threads that hang in a driver are left out: they outlive their devices.
    let threads = 1 + pool + 2 * closers + 3 * (1 + devices);
    let tasks: u64 = value(&unit, "TasksMax").parse().unwrap();
    assert!((threads..=2 * threads).contains(&tasks), "{tasks} tasks, {threads} threads");
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
