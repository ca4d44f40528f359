//! What the kernel says of a process.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;

use super::{cgroup, flatpak};

/// More than any of the files in question has, in bytes.
const LARGEST: u64 = 64 * 1024;

/// Longer names are cut when they are shown.
const LONGEST: usize = 200;

/// What the kernel adds to the name of a file that was removed or replaced (proc_pid_exe(5)).
const REMOVED: &str = " (deleted)";

/// What is known of a program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The id of the Flatpak application.
    pub flatpak: Option<String>,
    /// The systemd unit.
    pub unit: Option<String>,
    /// The executable's path, which it had if it is gone; nothing for a program with another view of the file system, where it proves nothing.
    pub executable: Option<String>,
    /// It sees another file system than we do: Flatpak, Snap, a container.
    pub is_sandboxed: bool,
}

/// How a program was recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// By the id of its Flatpak application.
    Flatpak,
    /// By its systemd unit.
    Unit,
    /// By its executable.
    Executable,
    /// Not at all.
    Unknown,
}

impl Kind {
    /// The word of the D-Bus contract.
    pub fn word(self) -> &'static str {
        match self {
            Self::Flatpak => "flatpak",
            Self::Unit => "unit",
            Self::Executable => "executable",
            Self::Unknown => "unknown",
        }
    }
}

/// How a program is called when it is shown to persons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// How it was recognised.
    pub kind: Kind,
    /// Its name of that kind, on one line; empty if unknown.
    pub name: String,
}

impl Identity {
    /// Nobody knows.
    pub fn unknown() -> Self {
        Self { kind: Kind::Unknown, name: String::new() }
    }
}

impl Facts {
    /// Reads what the kernel says of a process, all but the [`Facts::application`]; no file of the process is opened.
    ///
    /// # Errors
    ///
    /// When something can't be read: the process has ended, or doesn't let itself be looked at. Then nothing is
    /// known of it.
    pub(super) fn read(process: u32) -> io::Result<Self> {
        let place = place(process);
        let namespace = fs::read_link(place.join("ns/mnt"))?;
        let is_sandboxed = namespace != fs::read_link("/proc/self/ns/mnt")?
            || fs::read_link(place.join("root"))? != fs::read_link("/proc/self/root")?;
        let executable = fs::read_link(place.join("exe"))?;
        let cgroup = text(File::open(place.join("cgroup"))?)?;
        Ok(Self {
            executable: executable.to_str().filter(|_| !is_sandboxed).map(before_removal).map(str::to_owned),
            unit: cgroup::unit(&cgroup).map(str::to_owned),
            flatpak: None,
            is_sandboxed,
        })
    }

    /// Adds the Flatpak application, if a program in a sandbox is one. Whoever made the sandbox decides what is opened
    /// here, and may make it last for ever.
    ///
    /// # Errors
    ///
    /// When it says to be an application and isn't that of its unit, or doesn't say which. Then nothing is known of it.
    pub(super) fn application(self, process: u32) -> io::Result<Self> {
        let Some(info) = flatpak_info(process)? else { return Ok(self) };
        let id = flatpak::application(&info).ok_or(ErrorKind::InvalidData)?;
        if !flatpak::agrees(&id, self.unit.as_deref(), systemd_runs()) {
            return Err(io::Error::other("it is not in the unit of the application that it says to be"));
        }
        Ok(Self { flatpak: Some(id), ..self })
    }

    /// How to call the program: its application, else a unit that names it, else its executable.
    pub fn identity(&self) -> Identity {
        let unit = self.unit.as_deref().filter(|unit| cgroup::names_a_program(unit));
        let known = [
            (Kind::Flatpak, self.flatpak.as_deref()),
            (Kind::Unit, unit),
            (Kind::Executable, self.executable.as_deref()),
        ];
        let named = known.into_iter().find_map(|(kind, name)| Some(Identity { kind, name: shown(name?) }));
        named.unwrap_or_else(Identity::unknown)
    }
}

/// The path that an executable had, so that rules still fit a program when its package is upgraded.
///
/// Whether a file's own name ends like that is not looked up: its file system may hang. Nothing is gained by such a
/// name, since whoever can make a file `x (deleted)` beside `x` can replace `x`.
fn before_removal(path: &str) -> &str {
    path.trim_end_matches(REMOVED)
}

/// What Flatpak left in the root of its sandbox.
fn flatpak_info(process: u32) -> io::Result<Option<String>> {
    // A pipe must not be waited for, nor a terminal become ours; and a link would lead out of the sandbox.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let file = match open(place(process).join("root/.flatpak-info"), flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(Errno::NOENT) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    if !file.metadata()?.is_file() {
        return Err(ErrorKind::InvalidData.into());
    }
    text(file).map(Some)
}

/// As sd_booted(3) says it.
fn systemd_runs() -> bool {
    Path::new("/run/systemd/system").is_dir()
}

fn place(process: u32) -> PathBuf {
    Path::new("/proc").join(process.to_string())
}

/// When the process began, in clock ticks since boot: field 22 of `/proc/PID/stat` (proc_pid_stat(5)).
pub(super) fn started(process: u32) -> io::Result<u64> {
    let text = text(File::open(format!("/proc/{process}/stat"))?)?;
    // The name may contain blanks and parentheses; what follows the last one doesn't.
    let fields = text.rsplit_once(')').map(|(_, rest)| rest.split_ascii_whitespace());
    fields.and_then(|mut fields| fields.nth(19)?.parse().ok()).ok_or_else(|| ErrorKind::InvalidData.into())
}

/// A name as it is shown: one line, not too long.
pub(super) fn shown(name: &str) -> String {
    name.chars()
        .take(LONGEST)
        .flat_map(|letter| {
            let plain = (!letter.is_control()).then_some(letter);
            let escaped = plain.is_none().then(|| letter.escape_default());
            plain.into_iter().chain(escaped.into_iter().flatten())
        })
        .collect()
}

fn text(file: File) -> io::Result<String> {
    let mut bytes = Vec::new();
    file.take(LARGEST).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_very_process_is_known() {
        let facts = Facts::read(std::process::id()).unwrap();
        let own = std::env::current_exe().unwrap();
        assert_eq!(facts.executable.as_deref(), own.to_str());
        assert!(!facts.is_sandboxed && facts.flatpak.is_none());
        assert_eq!(started(std::process::id()).unwrap(), started(std::process::id()).unwrap());
    }

    #[test]
    fn a_program_whose_file_was_removed_is_known_by_the_path_it_had() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("sleep");
        // Not by this process: a child that another test forks meanwhile would have it open for writing.
        let copied = std::process::Command::new("cp").arg("/bin/sleep").arg(&path).status().unwrap();
        assert!(copied.success());
        let mut child = std::process::Command::new(&path).arg("60").spawn().unwrap();
        let executable = || Facts::read(child.id()).unwrap().executable;
        let before = executable();
        fs::remove_file(&path).unwrap();
        let after = executable();
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!((before.as_deref(), after.as_deref()), (path.to_str(), path.to_str()));
    }

    #[test]
    fn nothing_is_known_of_a_process_that_isn_t_there() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let id = child.id();
        child.wait().unwrap();
        assert!(Facts::read(id).is_err() && started(id).is_err());
    }

    #[test]
    fn the_most_telling_name_is_shown() {
        let facts = |flatpak: Option<&str>, unit: Option<&str>, executable: Option<&str>| Facts {
            flatpak: flatpak.map(str::to_owned),
            unit: unit.map(str::to_owned),
            executable: executable.map(str::to_owned),
            is_sandboxed: false,
        };
        for (facts, kind, name) in [
            (facts(Some("org.a.B"), Some("app-x.scope"), None), Kind::Flatpak, "org.a.B"),
            (facts(None, Some("backup.service"), Some("/usr/bin/curl")), Kind::Unit, "backup.service"),
            (facts(None, Some("session-2.scope"), Some("/usr/bin/curl")), Kind::Executable, "/usr/bin/curl"),
            (facts(None, Some("session-2.scope"), None), Kind::Unknown, ""),
            (facts(None, None, Some("/tmp/a\nb")), Kind::Executable, "/tmp/a\\nb"),
        ] {
            assert_eq!(facts.identity(), Identity { kind, name: name.to_owned() });
        }
    }
}
