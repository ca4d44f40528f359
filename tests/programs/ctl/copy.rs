//! `code --copy`, with scripts in place of the programs for a clipboard.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::Duration;

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

/// The text of a file that another process writes, as soon as it ends with a line break.
fn read(rig: &Rig, name: &str) -> String {
    let file = rig.file(name);
    let text = || fs::read_to_string(&file).ok().filter(|text| text.ends_with('\n'));
    let found = (0..6_000).find_map(|_| {
        text().or_else(|| {
            std::thread::sleep(Duration::from_millis(10));
            None
        })
    });
    found.unwrap_or_else(|| panic!("{name} was not written"))
}

fn is_code(text: &str) -> bool {
    text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Checks what the command and the program of the clipboard did, and returns the arguments of the program.
fn copied(rig: &Rig, name: &str, run: &Run) -> String {
    assert_eq!((run.code, run.out.as_str()), (0, ""), "{run:?}");
    let seconds = read(rig, &format!("seconds-{name}"));
    assert!((0..=30).contains(&seconds.trim().parse::<u32>().unwrap()), "{seconds}");
    assert!(run.err.starts_with(&format!("Copied for {} s; ", seconds.trim())), "{run:?}");
    let copied = read(rig, &format!("copied-{name}"));
    assert!(is_code(copied.trim()), "{copied}");
    let command = read(rig, &format!("command-{name}"));
    assert!(!command.contains(copied.trim()), "{command}");
    command
}

/// A script that owns the selection until a signal ends it: SIGTERM, or SIGUSR1 for a lost selection.
fn owner(rig: &Rig, name: &str) -> String {
    let folder = rig.file("");
    let folder = folder.display();
    format!(
        "trap 'echo TERM > {folder}/ended-{name}; kill $!; exit 0' TERM
trap 'kill $!; exit 0' USR1
echo \"$*\" > {folder}/command-{name}
copied=$(cat)
/usr/bin/sleep 60 &
echo \"$copied\" > {folder}/copied-{name}
echo $$ > {folder}/new-{name}
mv {folder}/new-{name} {folder}/owner-{name}
wait"
    )
}

#[test]
fn xclip_is_ended_when_the_code_runs_out() {
    let rig = Rig::start();
    let folder = rig.file("");
    // The real program, with less time.
    let script =
        format!("echo \"$1\" > {}/seconds-xclip; shift; exec /usr/bin/timeout 2 \"$@\"", folder.display());
    install(&rig, "timeout", &script);
    install(&rig, "xclip", &owner(&rig, "xclip"));
    let run = copy(&rig, &[("DISPLAY", ":9")], &[]);
    assert_eq!(copied(&rig, "xclip", &run), "-quiet -selection clipboard -in\n");
    assert_eq!(read(&rig, "ended-xclip"), "TERM\n");
}

/// wl-copy removes its file only if it loses the selection, so that is what ends it.
#[test]
fn the_selection_is_taken_from_wl_copy_when_the_code_runs_out() {
    let rig = Rig::start();
    let folder = rig.file("");
    let folder = folder.display();
    let until_copied = format!(
        "echo \"$1\" > {folder}/seconds-wl-copy; until [ -e {folder}/owner-wl-copy ]; do /usr/bin/sleep 0.02; done"
    );
    install(&rig, "sleep", &until_copied);
    let clear = format!(
        "[ \"$1\" = --clear ] && echo cleared > {folder}/cleared && kill -USR1 \"$(cat {folder}/owner-wl-copy)\" && exit\n"
    );
    install(&rig, "wl-copy", &format!("{clear}{}", owner(&rig, "wl-copy")));
    let run = copy(&rig, &[("WAYLAND_DISPLAY", "wayland-9")], &["--json"]);
    let json: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!((&json["code"], &json["copied"]), (&serde_json::Value::Null, &true.into()), "{json}");
    assert!(json["clears_at"].is_u64(), "{json}");
    let run = Run { out: String::new(), ..run };
    assert_eq!(copied(&rig, "wl-copy", &run), "--foreground --paste-once --type text/plain\n");
    assert_eq!(read(&rig, "cleared"), "cleared\n");
    assert!(!rig.file("ended-wl-copy").exists(), "a signal ended it");
}

#[test]
fn a_code_that_the_clipboard_does_not_take_is_printed() {
    let rig = Rig::start();
    install(&rig, "wl-copy", "exit 1");
    let display = [("WAYLAND_DISPLAY", "wayland-9")];
    let run = copy(&rig, &display, &[]);
    assert!(run.code == 1 && is_code(run.out.trim()), "{run:?}");
    assert!(run.err.contains("wl-copy did not copy the code, so it is printed"), "{run:?}");
    let json: serde_json::Value = serde_json::from_str(&copy(&rig, &display, &["--json"]).out).unwrap();
    assert!(is_code(json["code"].as_str().unwrap()) && json["copied"] == false, "{json}");
}

#[test]
fn without_a_clipboard_no_code_is_used_up() {
    let rig = Rig::start();
    copy(&rig, &[], &[]).failed(1, "install wl-clipboard (for Wayland) or xclip (for X11)");
    rig.run(&["code", "--copy"]).failed(2, "--help");
    let json = rig.run(&["--json", "code", "--copy"]);
    let error: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!((json.code, &error["error"]["exit_status"]), (2, &2.into()), "{error}");
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
