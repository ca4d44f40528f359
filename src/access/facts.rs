//! The facts about a process from the kernel.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, StatxFlags, open, statx};
use rustix::io::Errno;

use super::{cgroup, flatpak};
use crate::text::shown;

/// The maximum size of a file that is read, in bytes; larger than all of them.
const MAX_FILE_BYTES: u64 = 64 * 1024;

/// The suffix that the kernel adds to the name of a removed or replaced file (proc_pid_exe(5)).
const REMOVED: &str = " (deleted)";

/// The known facts about a program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The id of the Flatpak application.
    pub flatpak: Option<String>,
    /// The systemd unit.
    pub unit: Option<String>,
    /// The path of the executable, or its previous path if the file was removed. `None` for a program with another view of the
    /// file system, where the path proves nothing.
    pub executable: Option<String>,
    /// The path where the executable seems to be, for a program with another view of the file system. Only rules
    /// that deny match it.
    pub unproved: Option<String>,
    /// Whether it has another view of the file system: Flatpak, Snap, a container. A service of the user's systemd
    /// with the root of the machine is not sandboxed, see `is_own_service`.
    pub is_sandboxed: bool,
}

/// The kind of identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The id of its Flatpak application.
    Flatpak,
    /// Its systemd unit.
    Unit,
    /// Its executable.
    Executable,
    /// The program cannot be identified.
    Unknown,
}

impl Kind {
    /// The value of `kind` on D-Bus.
    pub fn word(self) -> &'static str {
        match self {
            Self::Flatpak => "flatpak",
            Self::Unit => "unit",
            Self::Executable => "executable",
            Self::Unknown => "unknown",
        }
    }
}

/// The identity of a program, as shown to persons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The kind.
    pub kind: Kind,
    /// The name of that kind, on one line; empty if unknown.
    pub name: String,
}

impl Identity {
    /// An unknown identity.
    pub fn unknown() -> Self {
        Self { kind: Kind::Unknown, name: String::new() }
    }
}

impl Facts {
    /// Reads the facts about a process, except the [`Facts::application`]; opens no file of the process.
    ///
    /// # Errors
    ///
    /// Something cannot be read: the process has ended, or its properties are not readable. It is then unknown.
    pub(super) fn read(process: u32) -> io::Result<Self> {
        let place = place(process);
        let namespace = fs::read_link(place.join("ns/mnt"))?;
        let is_elsewhere = namespace != fs::read_link("/proc/self/ns/mnt")?
            || fs::read_link(place.join("root"))? != fs::read_link("/proc/self/root")?;
        let executable = fs::read_link(place.join("exe"))?;
        let path = executable.to_str().map(before_removal).map(str::to_owned);
        let (executable, unproved) = if is_elsewhere { (None, path) } else { (path, None) };
        let cgroup = text(File::open(place.join("cgroup"))?)?;
        let unit = cgroup::unit(&cgroup).map(str::to_owned);
        Ok(Self {
            executable,
            unproved,
            flatpak: None,
            is_sandboxed: is_elsewhere && !is_own_service(cgroup::unit_of_user(&cgroup), &place),
            unit,
        })
    }

    /// Adds the Flatpak application of a sandboxed program. The creator of the sandbox controls the opened file, and may make
    /// reading it block for ever.
    ///
    /// # Errors
    ///
    /// It claims another application than that of its unit, or an invalid one. It is then unknown.
    pub(super) fn application(self, process: u32) -> io::Result<Self> {
        let Some(info) = flatpak_info(process)? else { return Ok(self) };
        let id = flatpak::application(&info).ok_or(ErrorKind::InvalidData)?;
        if !flatpak::agrees(&id, self.unit.as_deref(), systemd_runs()) {
            return Err(io::Error::other("it is not in the unit of the application that it claims to be"));
        }
        Ok(Self { flatpak: Some(id), ..self })
    }

    /// The identity: its application, or else a unit that identifies it, or else its executable.
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

/// Whether a program in another mount namespace is a service whose root is that of this machine. `unit` is one of
/// the user.
///
/// systemd makes such a namespace for settings like `PrivateTmp=`, in a user's manager since version 254 only (NEWS);
/// before, it ignores them there. So the answer is that of the earlier versions. Desktops start applications as
/// services with the prefix `app-`; such an application has a namespace only in a sandbox (Firejail, Bubblewrap).
fn is_own_service(unit: Option<&str>, place: &Path) -> bool {
    let is_service = unit.is_some_and(|unit| unit.ends_with(".service") && !unit.starts_with("app-"));
    is_service && root_of(place).is_some_and(|root| Some(root) == root_of(Path::new("/proc/self")))
}

/// The device and the inode of the root of a process. The link leads there without a look-up in the file system, and without
/// synchronisation the file system, which the creator of a sandbox may control, is not asked.
fn root_of(place: &Path) -> Option<(u32, u32, u64)> {
    let flags = AtFlags::STATX_DONT_SYNC;
    let status = statx(CWD, place.join("root"), flags, StatxFlags::INO).ok()?;
    Some((status.stx_dev_major, status.stx_dev_minor, status.stx_ino))
}

/// The previous path of an executable, so that rules still match a program whose package is upgraded.
///
/// It does not check whether the real name of a file has this suffix, because the file system may hang. An attacker gains
/// nothing from such a name: a program that can create a file `x (deleted)` beside `x` can also replace `x`.
fn before_removal(path: &str) -> &str {
    path.trim_end_matches(REMOVED)
}

/// The content of `.flatpak-info` in the root of the sandbox.
fn flatpak_info(process: u32) -> io::Result<Option<String>> {
    // Does not block on a pipe, does not make a terminal the controlling one, and does not follow a link out of the sandbox.
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

/// Whether systemd runs, like sd_booted(3).
fn systemd_runs() -> bool {
    Path::new("/run/systemd/system").is_dir()
}

fn place(process: u32) -> PathBuf {
    Path::new("/proc").join(process.to_string())
}

fn text(file: File) -> io::Result<String> {
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_identified() {
        let facts = Facts::read(std::process::id()).unwrap();
        let own = std::env::current_exe().unwrap();
        assert_eq!(facts.executable.as_deref(), own.to_str());
        assert!(!facts.is_sandboxed && facts.flatpak.is_none());
    }

    #[test]
    fn a_program_whose_file_was_removed_keeps_its_path() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("sleep");
        // Another process copies it, because a child of another test could inherit a descriptor for writing.
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
    fn only_a_service_with_the_root_of_the_machine_is_no_sandbox() {
        let own = place(std::process::id());
        assert!(is_own_service(Some("backup.service"), &own));
        for unit in
            [None, Some("app-flatpak-org.a.B-1.scope"), Some("vte-spawn-1.scope"), Some("app-game@1.service")]
        {
            assert!(!is_own_service(unit, &own), "{unit:?}");
        }
        let other = tempfile::tempdir().unwrap();
        fs::create_dir(other.path().join("root")).unwrap();
        assert!(!is_own_service(Some("backup.service"), other.path()), "it has another root");
        assert!(!is_own_service(Some("backup.service"), &other.path().join("gone")));
    }

    #[test]
    fn a_missing_process_is_unknown() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let id = child.id();
        child.wait().unwrap();
        assert!(Facts::read(id).is_err());
    }

    #[test]
    fn the_most_specific_name_is_shown() {
        let facts = |flatpak: Option<&str>, unit: Option<&str>, executable: Option<&str>| Facts {
            flatpak: flatpak.map(str::to_owned),
            unit: unit.map(str::to_owned),
            executable: executable.map(str::to_owned),
            unproved: None,
            is_sandboxed: false,
        };
        for (facts, kind, name) in [
            (facts(Some("org.a.B"), Some("app-x.scope"), None), Kind::Flatpak, "org.a.B"),
            (facts(None, Some("backup.service"), Some("/usr/bin/curl")), Kind::Unit, "backup.service"),
            (facts(None, Some("session-2.scope"), Some("/usr/bin/curl")), Kind::Executable, "/usr/bin/curl"),
            (facts(None, Some("session-2.scope"), None), Kind::Unknown, ""),
            (facts(None, None, Some("/tmp/a\nb\u{200b}")), Kind::Executable, "/tmp/a\\u{a}b\\u{200b}"),
        ] {
            assert_eq!(facts.identity(), Identity { kind, name: name.to_owned() });
        }
    }
}
