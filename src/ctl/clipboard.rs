//! `oathbridgectl code --copy`: gives the code to the clipboard, until it runs out.
//!
//! A program that owns the selection of Wayland or X11 runs in the foreground under `timeout`. When it ends, so does its
//! selection: by a paste, by another copy, or by `timeout` when the code runs out. So nothing else is ever cleared.

use std::env;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use data_encoding::BASE64;
use zeroize::Zeroizing;

use super::{Failure, exit};

/// The programs for a clipboard: the variable of their display, and their command.
const PROGRAMS: [(&str, &[&str]); 2] = [
    ("WAYLAND_DISPLAY", &["wl-copy", "--foreground", "--paste-once", "--type", "text/plain"]),
    ("DISPLAY", &["xclip", "-quiet", "-selection", "clipboard", "-in"]),
];

/// A program that fails does so within this time.
const FAILS_WITHIN: Duration = Duration::from_millis(300);
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// A place for a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clipboard {
    /// A program that owns the selection.
    Program(&'static [&'static str]),
    /// The terminal's own clipboard, by the control sequence OSC 52 (xterm, Control Sequences).
    Terminal,
}

impl Clipboard {
    /// The clipboard of this session.
    ///
    /// # Errors
    ///
    /// There is none.
    pub(super) fn find() -> Result<Self, Failure> {
        let is_set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
        let usable = PROGRAMS.iter().find(|(display, command)| {
            is_set(display) && command.first().is_some_and(|name| is_on_path(name))
        });
        match usable {
            Some((_, command)) => Ok(Self::Program(command)),
            None if is_set("SSH_TTY") || is_set("SSH_CONNECTION") => Ok(Self::Terminal),
            None => Err(Failure::new(
                exit::FAILED,
                "There is no clipboard to copy to; install wl-clipboard (for Wayland) or xclip (for X11), or leave out --copy.",
            )),
        }
    }

    /// Copies a code for this time, and says so.
    pub(super) async fn copy(self, code: &str, time: Duration) -> Result<String, Failure> {
        // For timeout(1), 0 is no limit.
        let seconds = time.as_secs().max(1);
        match self {
            Self::Program(command) => {
                let mut child = start(command, code, seconds)
                    .map_err(|error| Failure::of_system("Copying the code", &error))?;
                if has_failed(&mut child).await {
                    let name = command.first().copied().unwrap_or_default();
                    return Err(Failure::new(
                        exit::FAILED,
                        format!("{name} could not copy the code; try it without --copy."),
                    ));
                }
                Ok(format!("Copied; the clipboard forgets it in {seconds} s."))
            }
            Self::Terminal => {
                to_terminal(code).map_err(|error| Failure::of_system("Copying the code", &error))?;
                Ok("Sent to the clipboard of the terminal, which this program can't clear.".to_owned())
            }
        }
    }
}

fn is_on_path(program: &str) -> bool {
    let is_executable = |file: std::path::PathBuf| {
        file.metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
    };
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| is_executable(folder.join(program)))
}

/// Starts the owner of the selection, in a process group of its own, so that an interrupt of this command spares it.
fn start(command: &[&str], code: &str, seconds: u64) -> io::Result<Child> {
    let mut child = Command::new("timeout")
        .arg(seconds.to_string())
        .args(command)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()?;
    // Dropping the pipe ends the input.
    child.stdin.take().map_or(Ok(()), |mut input| input.write_all(code.as_bytes()))?;
    Ok(child)
}

async fn has_failed(child: &mut Child) -> bool {
    let looking = async {
        loop {
            match child.try_wait() {
                Ok(Some(status)) => return !status.success(),
                Ok(None) => tokio::time::sleep(LOOK_INTERVAL).await,
                Err(_) => return false,
            }
        }
    };
    tokio::time::timeout(FAILS_WITHIN, looking).await.unwrap_or(false)
}

fn to_terminal(code: &str) -> io::Result<()> {
    let mut terminal = OpenOptions::new().write(true).open("/dev/tty")?;
    let sequence = Zeroizing::new(format!("\x1b]52;c;{}\x07", BASE64.encode(code.as_bytes())));
    terminal.write_all(sequence.as_bytes())
}
