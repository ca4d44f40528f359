//! `oathbridgectl code --copy`: gives the code to the clipboard, until it runs out.
//!
//! A program that owns the selection of Wayland or X11 runs in the foreground, and its selection ends with it: by another
//! copy, on Wayland by a paste, or when the code runs out. So nothing else is ever cleared.

use std::env;
use std::fs::OpenOptions;
use std::io::{self, PipeReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use data_encoding::BASE64;
use rustix::io::ioctl_fionread;
use zeroize::Zeroizing;

use super::{Failure, exit};

/// The programs for a clipboard: the variable of their display, their name, and the script for sh(1) that runs them for
/// `$0` seconds.
///
/// wl-copy keeps its input in a file below /tmp, and removes it only if it loses the selection, not if a signal ends it.
/// So the selection is taken away from it.
const PROGRAMS: [(&str, &str, &str); 2] = [
    (
        "WAYLAND_DISPLAY",
        "wl-copy",
        r#"exec 3<&0
wl-copy --foreground --paste-once --type text/plain <&3 3<&- &
owner=$!
exec 3<&- </dev/null
{ sleep "$0"; timeout 5 wl-copy --clear || kill $owner; } &
wait $owner
status=$?
kill $!
exit $status"#,
    ),
    ("DISPLAY", "xclip", r#"exec timeout "$0" xclip -quiet -selection clipboard -in"#),
];

/// A program that reads its input does so within this time.
const READS_WITHIN: Duration = Duration::from_secs(3);

/// A program that has read its input and fails does so within this time.
const FAILS_WITHIN: Duration = Duration::from_millis(300);
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// A place for a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clipboard {
    /// A program that owns the selection: its name and script.
    Program(&'static str, &'static str),
    /// The terminal's own clipboard, by the control sequence OSC 52 (xterm, Control Sequences).
    Terminal,
}

/// A code that was copied.
#[derive(Debug)]
pub(super) struct Copied {
    /// The sentence for the user.
    pub(super) note: String,
    /// Whether the clipboard forgets it.
    pub(super) is_cleared: bool,
}

impl Clipboard {
    /// The clipboard of this session.
    ///
    /// # Errors
    ///
    /// There is none.
    pub(super) fn find() -> Result<Self, Failure> {
        let is_set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
        let usable = PROGRAMS.iter().find(|(display, name, _)| is_set(display) && is_on_path(name));
        match usable {
            Some((_, name, script)) => Ok(Self::Program(name, script)),
            None if is_set("SSH_TTY") || is_set("SSH_CONNECTION") => Ok(Self::Terminal),
            None => Err(Failure::new(
                exit::FAILED,
                "There is no clipboard to copy to; install wl-clipboard (for Wayland) or xclip (for X11), or leave out --copy.",
            )),
        }
    }

    /// Copies a code for this time.
    ///
    /// # Errors
    ///
    /// The program or the terminal did not take it. The sentence says that the code is printed.
    pub(super) async fn copy(self, code: &str, time: Duration) -> Result<Copied, Failure> {
        // For timeout(1), 0 is no limit.
        let seconds = time.as_secs().max(1);
        match self {
            Self::Program(name, script) => {
                let has_taken = match start(script, code, seconds) {
                    Ok((mut child, input)) => has_taken(&mut child, &input).await,
                    Err(_) => false,
                };
                if !has_taken {
                    return Err(not_copied(&format!("{name} did not copy the code")));
                }
                let note = format!(
                    "Copied for {seconds} s; a clipboard manager that keeps copies may keep it longer."
                );
                Ok(Copied { note, is_cleared: true })
            }
            Self::Terminal => {
                to_terminal(code).map_err(|_| not_copied("There is no terminal to copy to"))?;
                let note =
                    "Sent to the clipboard of the terminal, which this program can't clear.".to_owned();
                Ok(Copied { note, is_cleared: false })
            }
        }
    }
}

fn not_copied(what: &str) -> Failure {
    Failure::new(
        exit::FAILED,
        format!("{what}, so it is printed; use --copy in a session with a display that works."),
    )
}

fn is_on_path(program: &str) -> bool {
    let is_executable = |file: std::path::PathBuf| {
        file.metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
    };
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| is_executable(folder.join(program)))
}

/// Starts the owner of the selection, in a process group of its own, so that an interrupt of this command spares it. The
/// pipe has the code until the program has read it.
fn start(script: &str, code: &str, seconds: u64) -> io::Result<(Child, PipeReader)> {
    let (input, mut output) = io::pipe()?;
    // A code is far shorter than a pipe holds.
    output.write_all(code.as_bytes())?;
    let child = Command::new("sh")
        .args(["-c", script, &seconds.to_string()])
        .stdin(Stdio::from(input.try_clone()?))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()?;
    Ok((child, input))
}

/// Whether the program has read the code, and has not failed soon after that.
async fn has_taken(child: &mut Child, input: &PipeReader) -> bool {
    let (mut waited, mut limit) = (Duration::ZERO, READS_WITHIN);
    let mut has_read = false;
    while waited < limit {
        match child.try_wait() {
            Ok(Some(status)) => return status.success(),
            Ok(None) => tokio::time::sleep(LOOK_INTERVAL).await,
            Err(_) => return has_read,
        }
        waited += LOOK_INTERVAL;
        if !has_read && ioctl_fionread(input).is_ok_and(|unread| unread == 0) {
            (has_read, limit) = (true, waited + FAILS_WITHIN);
        }
    }
    has_read
}

fn to_terminal(code: &str) -> io::Result<()> {
    let mut terminal = OpenOptions::new().write(true).open("/dev/tty")?;
    let sequence = Zeroizing::new(format!("\x1b]52;c;{}\x07", BASE64.encode(code.as_bytes())));
    terminal.write_all(sequence.as_bytes())
}
