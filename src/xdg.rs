//! The user's base directories (XDG Base Directory Specification).

use std::env;
use std::path::PathBuf;

/// `$XDG_CONFIG_HOME`, else `~/.config`. `None` without a home.
pub fn config_home() -> Option<PathBuf> {
    base("XDG_CONFIG_HOME", ".config")
}

/// `$XDG_STATE_HOME`, else `~/.local/state`. `None` without a home.
pub fn state_home() -> Option<PathBuf> {
    base("XDG_STATE_HOME", ".local/state")
}

/// `$XDG_RUNTIME_DIR`, which has no default.
pub fn runtime() -> Option<PathBuf> {
    absolute("XDG_RUNTIME_DIR")
}

/// The runtime folder of this user's session: `$XDG_RUNTIME_DIR`, else the folder that systemd creates, if it exists.
/// Programs that cron or ssh starts may lack the variable.
pub fn session_runtime() -> Option<PathBuf> {
    let of_systemd = || PathBuf::from(format!("/run/user/{}", rustix::process::geteuid().as_raw()));
    runtime().or_else(|| Some(of_systemd()).filter(|folder| folder.is_dir()))
}

/// Relative paths count as unset, as the specification says.
fn base(variable: &str, below_home: &str) -> Option<PathBuf> {
    absolute(variable).or_else(|| Some(absolute("HOME")?.join(below_home)))
}

fn absolute(variable: &str) -> Option<PathBuf> {
    env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute())
}
