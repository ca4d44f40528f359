//! `code --copy`, with scripts in place of the programs for a clipboard.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::rig::{Rig, Run, finish};

/// Puts a script on the path of the command.
fn install(rig: &Rig, name: &str, text: &str) {
    let folder = rig.file("scripts");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(name), format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o755)).unwrap();
}

fn copy(rig: &Rig, display: &[(&str, &str)], arguments: &[&str]) -> Run {
    let mut command = rig.tool();
    let path = format!("{}:/usr/bin:/bin", rig.file("scripts").display());
    command.args(["code", "alice", "--copy"]).args(arguments).env("PATH", path).envs(display.iter().copied());
    finish(command, "")
}

fn read(rig: &Rig, name: &str) -> String {
    fs::read_to_string(rig.file(name)).unwrap()
}

#[test]
fn the_code_goes_to_the_clipboard_until_it_runs_out() {
    let rig = Rig::start();
    let folder = rig.file("");
    let folder = folder.display();
    // Real programs end the selection when they end, and timeout ends them.
    install(&rig, "timeout", &format!("echo \"$1\" > {folder}/seconds; shift; exec \"$@\""));
    for (name, display) in [("wl-copy", ("WAYLAND_DISPLAY", "wayland-9")), ("xclip", ("DISPLAY", ":9"))] {
        let script = format!("echo \"$0 $*\" > {folder}/command; cat > {folder}/copied");
        install(&rig, name, &script);
        let run = copy(&rig, &[display], &[]);
        assert_eq!((run.code, run.out.as_str()), (0, ""), "{run:?}");
        let seconds = read(&rig, "seconds");
        assert!((0..=30).contains(&seconds.trim().parse::<u32>().unwrap()), "{seconds}");
        assert_eq!(run.err, format!("Copied; the clipboard forgets it in {} s.\n", seconds.trim()));
        let copied = read(&rig, "copied");
        assert!(copied.len() == 6 && copied.bytes().all(|byte| byte.is_ascii_digit()), "{copied}");
        let command = read(&rig, "command");
        assert!(command.contains(name) && !command.contains(&copied), "{command}");
        assert_eq!(name == "wl-copy", command.contains("--foreground --paste-once"), "{command}");
    }
}

#[test]
fn a_program_that_fails_and_a_session_without_a_clipboard_are_errors() {
    let rig = Rig::start();
    install(&rig, "wl-copy", "exit 1");
    copy(&rig, &[("WAYLAND_DISPLAY", "wayland-9")], &[]).failed(1, "wl-copy could not copy the code");
    copy(&rig, &[], &[]).failed(1, "install wl-clipboard (for Wayland) or xclip (for X11)");
    rig.run(&["code", "--copy"]).failed(2, "--help");
}

/// `script` gives the command a terminal of its own, as ssh does.
#[test]
fn over_ssh_the_terminal_gets_the_code() {
    let rig = Rig::start();
    let mut command: Command = rig.command("script");
    let tool = super::rig::program();
    command.args(["-qec", &format!("{} code alice --copy", tool.display()), "/dev/null"]);
    command.env("SSH_TTY", "/dev/pts/9").env("SHELL", "/bin/sh");
    let run = finish(command, "");
    assert_eq!(run.code, 0, "{run:?}");
    let (_, rest) = run.out.split_once("\x1b]52;c;").unwrap();
    let code = data_encoding::BASE64.decode(rest.split_once('\x07').unwrap().0.as_bytes()).unwrap();
    assert!(code.len() == 6 && code.iter().all(u8::is_ascii_digit), "{run:?}");
}
