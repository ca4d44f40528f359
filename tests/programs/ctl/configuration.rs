//! `config check`, `config show` and `status`.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use testkit::programs::unshared;

use super::rig::{Rig, finish, program};

/// The path of a file with this text.
fn file(rig: &Rig, text: &str) -> String {
    let path = rig.file("checked.toml");
    fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[test]
fn a_check_prints_every_error_with_its_line_and_fails() {
    let rig = Rig::with_locked();
    let path =
        file(&rig, "[pcsc]\nenable = true\n[cognito]\nmax_attempts = 3\n[profiles.w]\nuser_pool_id = 'x'\n");
    let plain = rig.run(&["config", "check", "--config", &path]);
    assert_eq!(plain.code, 1, "{plain:?}");
    let lines: Vec<_> = plain.out.lines().collect();
    assert_eq!(lines.len(), 3, "{plain:?}");
    for (line, (number, key)) in lines.iter().zip([(2, "enable"), (4, "max_attempts"), (6, "user_pool_id")]) {
        assert!(line.starts_with(&format!("error: {path} line {number}: ")) && line.contains(key), "{line}");
    }
    assert!(plain.err.contains("3 errors"), "{}", plain.err);

    let json = rig.run(&["--json", "config", "check", "--config", &path]);
    assert_eq!(json.code, 1);
    let found: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!((&found["valid"], &found["errors"][1]["line"]), (&json!(false), &json!(4)));
    assert_eq!(found["errors"][1]["file"], json!(path));
}

#[test]
fn a_check_of_a_valid_file_prints_warnings_and_succeeds() {
    let rig = Rig::with_locked();
    let path = file(&rig, "[profiles.w]\nregion = 'us-east-1'\nuser_pool_id = 'eu-central-1_A'\n");
    let plain = rig.run(&["config", "check", "--config", &path]);
    assert_eq!((plain.code, plain.err.as_str()), (0, ""), "{plain:?}");
    assert!(plain.out.starts_with("warning: ") && plain.out.ends_with("The configuration is valid.\n"));
    let found = rig.run(&["--json", "config", "check", "--config", &path]).json();
    assert_eq!((&found["valid"], &found["errors"]), (&json!(true), &json!([])));
    let warning = &found["warnings"][0];
    assert!(warning["sentence"].as_str().unwrap().contains("user_pool_id"));
    assert_eq!((&warning["file"], &warning["line"]), (&json!(path), &json!(1)));
}

#[test]
fn a_state_folder_that_cannot_be_written_is_an_error_of_the_check_and_of_the_status() {
    let rig = Rig::with_locked();
    let path = file(&rig, "");
    let state = rig.file("other-state");
    fs::write(&state, "").unwrap();
    let run = |arguments: &[&str]| rig.tool().args(arguments).env("XDG_STATE_HOME", &state).output().unwrap();
    let check = run(&["config", "check", "--config", &path]);
    assert_eq!(check.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&check.stdout).contains("in the place of the state folder"));
    let status = run(&["status"]);
    assert_eq!(status.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&status.stdout).contains("in the place of the state folder"));
}

#[test]
fn each_key_is_shown_with_its_file() {
    let rig = Rig::with_locked();
    let path = file(&rig, "[cognito]\nfips = true\n[[access.rule]]\ncaller = 'unknown'\nsubmit = 'deny'\n");
    let plain = rig.run(&["config", "show", "--config", &path]);
    assert_eq!((plain.code, plain.err.as_str()), (0, ""), "{plain:?}");
    let row = |key: &str| plain.out.lines().find(|line| line.starts_with(key)).unwrap().to_owned();
    assert_eq!(row("cognito.fips ").split_whitespace().collect::<Vec<_>>(), ["cognito.fips", "true", &path]);
    assert!(row("cognito.dual_stack ").ends_with("default"));
    let found = rig.run(&["--json", "config", "show", "--config", &path]).json();
    let keys = found["keys"].as_array().unwrap();
    let rule = keys.iter().find(|key| key["key"] == "access.rule").unwrap();
    assert_eq!(rule["value"], json!([{ "caller": "unknown", "submit": "deny" }]));
    assert_eq!(rule["file"], json!(path));
    let timeout = keys.iter().find(|key| key["key"] == "cognito.connect_timeout").unwrap();
    assert_eq!((&timeout["value"], &timeout["file"]), (&json!(3), &json!(null)));
}

#[test]
fn the_status_has_each_part_in_at_most_ten_lines() {
    let rig = Rig::with_locked();
    let plain = rig.run(&["status"]);
    assert_eq!((plain.code, plain.err.as_str()), (0, ""), "{plain:?}");
    assert!(plain.out.lines().count() <= 10);
    for line in [
        "daemon               running, version",
        "tokens               2 attached, 1 locked",
        "configuration files  valid\n",
        "pcscd                disabled\n",
    ] {
        assert!(plain.out.contains(line), "{line}: {}", plain.out);
    }
    let found = rig.run(&["--json", "status"]).json();
    assert_eq!((&found["ok"], &found["daemon"]), (&json!(true), &json!("running")));
    assert_eq!(found["tokens"], json!({ "attached": 2, "locked": 1, "unusable": 0 }));
    assert_eq!(found["version"], found["tool_version"]);
    let found = Rig::start().run(&["--json", "status"]).json();
    assert_eq!(found["tokens"], json!({ "attached": 1, "locked": 0, "unusable": 0 }));
}

/// Until the daemon has read the signal of logind.
fn until_screen(rig: &Rig, word: &str) {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        let found: Value = serde_json::from_str(&rig.run(&["--json", "status"]).out).unwrap();
        if found["screen"] == word {
            return;
        }
        assert!(Instant::now() < end, "the screen is not {word}: {found}");
    }
}

#[test]
fn the_status_says_that_logind_has_not_answered() {
    let rig = Rig::start();
    let plain = rig.run(&["status"]);
    assert!(
        plain.out.contains("session              unknown, because logind has not told it\n"),
        "{plain:?}"
    );
    assert_eq!(rig.run(&["--json", "status"]).json()["screen"], json!(null));
}

/// The daemon refuses all codes meanwhile, so there is something to be done.
#[test]
fn the_status_is_not_ok_while_logind_does_not_tell_the_screen() {
    let (mut rig, logind) = Rig::with_logind_only();
    let answer = async |code: &str| {
        let method = ("org.freedesktop.login1.Manager", "ListSessions", "", "a(susso)", code);
        logind.mock("AddMethod", &method).await.unwrap();
    };
    rig.block_on(answer("raise dbus.exceptions.DBusException('not now')"));
    rig.start_daemon();
    let plain = rig.run(&["status"]);
    assert_eq!(plain.code, 1, "{plain:?}");
    assert!(plain.out.contains("counts as locked; check systemd-logind"), "{}", plain.out);
    let found: Value = serde_json::from_str(&rig.run(&["--json", "status"]).out).unwrap();
    assert_eq!((&found["ok"], &found["screen"]), (&json!(false), &json!("unknown")));
    rig.block_on(answer("ret = []"));
    until_screen(&rig, "unlocked");
    assert_eq!(rig.run(&["--json", "status"]).json()["ok"], json!(true));
}

#[test]
fn the_status_tells_a_locked_screen_and_a_requested_lock_apart() {
    const SESSION: &str = "/org/freedesktop/login1/session/auto";
    let (rig, logind) = Rig::with_logind();
    let session = |member: &str, hint: Option<bool>| {
        let interface = "org.freedesktop.login1.Session";
        rig.block_on(async {
            match hint {
                Some(hint) => logind.call(SESSION, interface, member, &hint).await,
                None => logind.call(SESSION, interface, member, &()).await,
            }
        })
        .unwrap();
    };
    let line = |line: &str| {
        let plain = rig.run(&["status"]);
        assert!(plain.out.contains(&format!("session              {line}\n")), "{plain:?}");
    };
    until_screen(&rig, "unlocked");
    line("the screen is not locked");
    session("Lock", None);
    until_screen(&rig, "lock-requested");
    line("the screen was requested to lock; loginctl unlock-session ends the request");
    rig.run(&["code", "alice"]).failed(1, "was requested to lock");
    session("SetLockedHint", Some(true));
    until_screen(&rig, "locked");
    line("the screen is locked");
    rig.run(&["code", "alice"]).failed(1, "The screen is locked;");
}

/// The daemon tells a sandboxed program nothing about the screen, so the tool asks logind.
#[test]
fn the_status_of_a_sandboxed_program_has_the_screen_from_logind() {
    let (rig, logind) = Rig::with_logind();
    let session = ("/org/freedesktop/login1/session/auto", "org.freedesktop.login1.Session");
    let hint = |is_locked: bool| {
        rig.block_on(async { logind.call(session.0, session.1, "SetLockedHint", &is_locked).await }).unwrap();
        until_screen(&rig, if is_locked { "locked" } else { "unlocked" });
    };
    let sandboxed = |program: &Path, arguments: &[&str]| {
        let [first, rest @ ..] = &unshared()[..] else { panic!() };
        let mut command = rig.command(first);
        command.args(rest).arg(program).args(arguments);
        finish(command, "")
    };
    let name = "io.github.oathbridge.OathBridge1";
    let (address, manager) = (format!("--address={}", rig.bus()), format!("{name}.Manager"));
    let call = [&address, "call", name, "/io/github/oathbridge/OathBridge1", &manager, "GetCallerInfo"];
    let info = sandboxed(Path::new("busctl"), &call);
    assert!(info.out.contains("\"sandboxed\" b true"), "{info:?}");
    assert!(!info.out.contains("\"screen\"") && !info.out.contains("\"pcsc\""), "{info:?}");
    let screen = || {
        let run = sandboxed(&program(), &["status", "--json"]);
        let found: Value = serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {run:?}"));
        assert_eq!((&found["daemon"], found["version"].is_string()), (&json!("running"), true), "{found}");
        found["screen"].clone()
    };
    assert_eq!(screen(), "unlocked");
    hint(true);
    assert_eq!(screen(), "locked");
    hint(false);
    assert_eq!(screen(), "unlocked");
}

#[test]
fn the_status_tells_an_error_of_the_configuration_and_a_missing_daemon() {
    let rig = Rig::with_locked();
    let folder = rig.file(".config/oathbridge");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("config.toml"), "[pcsc]\nenable = true\n").unwrap();
    let plain = rig.run(&["status"]);
    assert_eq!(plain.code, 1, "{plain:?}");
    assert!(plain.out.contains("not valid: ") && plain.out.contains("(did you mean \"enabled\"?)"));
    let plain = Rig::without_daemon().run(&["status"]);
    assert_eq!(plain.code, 10, "{plain:?}");
    assert!(plain.out.contains("not running"), "{}", plain.out);
}

/// A file that breaks later leaves the last good configuration in force, and the tool cannot read that one.
#[test]
fn the_status_knows_from_the_daemon_whether_it_asks_pcscd() {
    let mut rig = Rig::start();
    let file = rig.file("config/oathbridge/config.toml");
    let pcscd = |rig: &Rig| {
        let mut command = rig.tool();
        command.args(["status", "--json"]).env("XDG_CONFIG_HOME", rig.file("config"));
        let run = finish(command, "");
        let found: Value = serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {run:?}"));
        (found["pcscd"].clone(), found["configuration"]["valid"].clone())
    };
    assert_eq!(pcscd(&rig), (json!("disabled"), json!(true)));
    fs::write(&file, "[pcsc]\nenabled = false\nnonsense = 1\n").unwrap();
    rig.block_on(rig.client.reload()).unwrap_err();
    assert_eq!(pcscd(&rig), (json!("disabled"), json!(false)));
    // The section applies from the next start on.
    fs::write(&file, "").unwrap();
    rig.block_on(rig.client.reload()).unwrap();
    assert_eq!(pcscd(&rig), (json!("disabled"), json!(true)));
    rig.kill_daemon();
    rig.start_daemon();
    assert_eq!(pcscd(&rig), (json!("unavailable"), json!(true)));
    assert_eq!(pcscd(&Rig::with_card()), (json!("ok"), json!(true)));
}

#[test]
fn the_status_says_that_a_daemon_does_not_answer() {
    let rig = Rig::with_locked();
    let daemon = Pid::from_raw(rig.daemon.as_ref().unwrap().id().try_into().unwrap()).unwrap();
    kill_process(daemon, Signal::STOP).unwrap();
    let plain = rig.run(&["status"]);
    kill_process(daemon, Signal::CONT).unwrap();
    assert_eq!(plain.code, 10, "{plain:?}");
    assert!(plain.out.contains("running, but it does not answer"), "{}", plain.out);
    assert!(plain.err.contains("systemctl --user restart oathbridge"), "{}", plain.err);
}

#[test]
fn the_status_of_a_daemon_without_a_configuration_promises_nothing() {
    let rig = Rig::with_broken_configuration();
    let plain = rig.run(&["status"]);
    assert_eq!(plain.code, 1, "{plain:?}");
    for line in [
        "pcscd                unknown\n",
        "configuration files  valid, but the daemon has not read them; ",
        "or uses no token if there was none",
    ] {
        assert!(plain.out.contains(line), "{line}: {}", plain.out);
    }
    let found: Value = serde_json::from_str(&rig.run(&["--json", "status"]).out).unwrap();
    assert_eq!((&found["ok"], &found["pcscd"]), (&json!(false), &json!(null)));
    assert_eq!(found["configuration"]["accepted"], json!(false));
}
