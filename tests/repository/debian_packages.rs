//! The Debian packages that a build, the demo and the tests need, as `scripts/install-packages` gets them.
#![allow(clippy::unwrap_used, reason = "the whole file is a test")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The tools that the scripts use. A machine of the tests has no others, because many come from the packages.
const TOOLS: [&str; 14] = [
    "cat", "dirname", "env", "find", "install", "mkdir", "mktemp", "rm", "sed", "sh", "sort", "touch", "tr",
    "chmod",
];

/// Packages that start a service, or change which one is started.
const SERVICES: [&str; 7] = [
    "pcscd",
    "vsmartcard-vpcd",
    "dbus-user-session",
    "dbus-broker",
    "gnome-keyring",
    "systemd",
    "python3-dbusmock",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A machine on which root works, with a package manager that only says what it does.
struct Machine(tempfile::TempDir);

impl Machine {
    /// `missing` is a pattern of the shell for the names of the packages that are not installed.
    fn new(missing: &str) -> Self {
        let machine = Self(tempfile::tempdir().unwrap());
        for tool in TOOLS {
            symlink(Path::new("/usr/bin").join(tool), machine.path(tool)).unwrap();
        }
        machine.pretend("id", "echo 0");
        machine
            .pretend("dpkg-query", &format!("case $4 in {missing}) exit 1 ;; *) printf installed ;; esac"));
        let simulated = r#"printf 'Inst %s (1.0)\nInst lib%s (1.0)\nConf %s (1.0)\n' "$4" "$4" "$4""#;
        let fetched = r#"shift 4; for name; do touch "$name.deb"; done; echo "downloaded $*""#;
        machine.pretend(
            "apt-get",
            &format!(r#"case "$*" in *--simulate*) {simulated} ;; *download*) {fetched} ;; *) echo "apt-get $*" ;; esac"#),
        );
        let program = r#"name=${2##*/}; name=${name%.deb}; mkdir -p "$3/usr/bin" "$3/usr/lib""#;
        let files = r#"for name in $name $name-daemon busctl systemd-analyze; do touch "$3/usr/bin/$name" "$3/usr/lib/$name.so"
            chmod +x "$3/usr/bin/$name"; done"#;
        machine.pretend("dpkg", &format!("{program}; {files}"));
        machine
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Adds a program of this name, instead of one that is there.
    fn pretend(&self, name: &str, script: &str) {
        // Another process writes the file. A child process of another test could inherit a descriptor of this process, and
        // a program that is open for writing cannot be run.
        let write = r#"printf '#!/bin/sh\n%s\n' "$2" > "$1" && chmod +x "$1""#;
        let mut command = Command::new("sh");
        command.args(["-c", write, "sh"]).arg(self.path(name)).arg(script);
        assert!(command.status().unwrap().success());
    }

    fn install(&self, sets: &[&str]) -> Output {
        let mut command = Command::new("/bin/sh");
        command.arg(root().join("scripts/install-packages")).args(sets);
        command.env("PATH", self.0.path()).env("CARGO_TARGET_DIR", self.path("target")).output().unwrap()
    }

    /// The lines that the package manager printed.
    fn done(&self, sets: &[&str]) -> Vec<String> {
        let output = self.install(sets);
        assert!(output.status.success(), "{}", said(&output));
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
    }
}

#[test]
fn only_missing_packages_are_installed_with_their_reasons() {
    let machine = Machine::new("make|groff-base");
    let output = machine.install(&["build", "demo", "test"]);
    assert_eq!(
        String::from_utf8_lossy(&output.stdout).lines().collect::<Vec<_>>(),
        [
            "apt-get update --quiet=2",
            "apt-get install --yes --quiet=2 --no-install-recommends groff-base make"
        ]
    );
    assert_eq!(
        String::from_utf8_lossy(&output.stderr).trim_end(),
        "Installing Debian packages: groff-base (checks the manual pages), make (Makefile)"
    );
    assert_eq!(said(&Machine::new("none").install(&["build", "demo", "test"])), "");
}

#[test]
fn no_package_with_a_service_is_installed() {
    let lines = Machine::new("*").done(&["build", "demo", "test", "emulators", "broker"]);
    let installed = lines.iter().find(|line| line.starts_with("apt-get install ")).unwrap();
    assert!(installed.contains(" dbus-daemon ") && installed.ends_with(" util-linux"), "{installed}");
    for package in SERVICES {
        assert!(!installed.split(' ').any(|word| word == package), "{package} is installed");
        assert!(
            lines.iter().any(|line| line.starts_with(&format!("downloaded {package} "))),
            "{package}: {lines:?}"
        );
    }
}

#[test]
fn an_unpacked_package_is_fetched_once_and_its_command_finds_its_libraries() {
    let machine = Machine::new("pcscd|libpcscd");
    assert_eq!(machine.done(&["test"]), ["downloaded pcscd libpcscd"]);
    let tools = machine.path("target/tools");
    let script = fs::read_to_string(tools.join("bin/pcscd")).unwrap();
    let root = tools.canonicalize().unwrap().join("root/usr");
    let [libraries, program] = ["lib", "bin/pcscd"].map(|name| root.join(name).display().to_string());
    assert_eq!(script, format!("#!/bin/sh\nLD_LIBRARY_PATH='{libraries}' exec '{program}' \"$@\"\n"));
    assert!(tools.join("root/usr/bin/libpcscd").exists());
    assert_eq!(said(&machine.install(&["test"])), "");
    fs::remove_file(tools.join("bin/pcscd")).unwrap();
    assert!(said(&machine.install(&["test"])).contains("Unpacking Debian packages"));
    assert!(tools.join("bin/pcscd").exists());
}

#[test]
fn old_lists_of_packages_are_updated_before_packages_are_unpacked() {
    let machine = Machine::new("pcscd");
    let lists = machine.path("lists");
    let known = format!("[ -e {} ] || exit 100; printf 'Inst pcscd (1.0)\\n'", lists.display());
    let script = format!(
        r#"case "$*" in update*) touch {} ;; *--simulate*) {known} ;; *) shift 4; touch "$1.deb" ;; esac; echo "$1""#,
        lists.display()
    );
    machine.pretend("apt-get", &script);
    assert!(machine.done(&["test"]).contains(&"update".to_owned()));
    assert!(machine.path("target/tools/bin/pcscd").exists());
}

#[test]
fn a_command_from_another_source_replaces_a_package() {
    let machine = Machine::new("nodejs|npm|systemd");
    let installed = |sets: &[&str]| machine.done(sets).pop().unwrap_or_default();
    assert!(installed(&["emulators"]).ends_with("recommends nodejs npm"));
    machine.pretend("node", "");
    assert!(installed(&["emulators"]).ends_with("recommends npm"));
    machine.pretend("npm", "");
    assert_eq!(installed(&["emulators"]), "");
    machine.pretend("busctl", "");
    assert_eq!(installed(&["demo"]), "downloaded systemd", "one of its two commands is missing");
    fs::remove_dir_all(machine.path("target")).unwrap();
    machine.pretend("systemd-analyze", "");
    assert_eq!(said(&machine.install(&["demo"])), "");
}

#[test]
fn a_failure_of_apt_get_is_returned() {
    let machine = Machine::new("*");
    machine.pretend("apt-get", "exit 100");
    assert_eq!(machine.install(&["build"]).status.code(), Some(100));
    let unknown = machine.install(&["build", "tests"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(said(&unknown).contains("usage"), "{}", said(&unknown));
}

#[test]
fn a_user_who_cannot_become_root_is_told_what_to_run() {
    let machine = Machine::new("make");
    machine.pretend("id", "echo 1000");
    let output = machine.install(&["build"]);
    assert_eq!(output.status.code(), Some(1));
    let told = "as root run: apt-get update && apt-get install --no-install-recommends make";
    assert!(said(&output).contains(told), "{}", said(&output));
}
