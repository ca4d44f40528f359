//! Files that a user names to the daemon: another kind of file is refused at once, with a sentence.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rustix::fs::{CWD, FileType, Mode, mknodat};
use testkit::patience::run_within;

/// Only a daemon that waits for the other end of a pipe gets here.
const EXIT_TIMEOUT: Duration = Duration::from_secs(60);

#[test]
fn a_pipe_is_refused_and_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    let pipe = place("pipe");
    mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let config = place("config.toml");
    fs::write(&config, format!("[cognito]\nca_file = '{}'", pipe.display())).unwrap();
    let shown = |path: &Path| path.display().to_string();
    for (argument, beginning) in [
        (format!("--config={}", shown(&pipe)), shown(&pipe)),
        (format!("--config={}", shown(&config)), format!("{} line 2: ", shown(&config))),
        (format!("--virtual-token={}", shown(&pipe)), shown(&pipe)),
    ] {
        let mut daemon = Command::new(env!("CARGO_BIN_EXE_oathbridged"));
        daemon.arg(&argument).env("HOME", folder.path()).env_remove("XDG_CONFIG_HOME");
        // A daemon with a broken configuration starts, and ends here for lack of a session bus.
        daemon.env_remove("DBUS_SESSION_BUS_ADDRESS").env_remove("XDG_RUNTIME_DIR");
        let output = run_within(&mut daemon, EXIT_TIMEOUT).unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{argument}: {said}");
        let sentence = said.lines().find(|line| line.contains("it is not a regular file"));
        assert!(sentence.is_some_and(|sentence| sentence.contains(&format!(": {beginning}"))), "{said}");
    }
}
