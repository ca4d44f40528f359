//! `tokens` and `list`.

use oathbridge::virt::Fault;
use serde_json::{Value, json};

use super::rig::Rig;

/// The command that shows more than an error.
const STATUS: &str = "`oathbridgectl status`";

#[test]
fn tokens_are_listed_as_text_and_as_json() {
    let rig = Rig::with_locked();
    let plain = rig.run(&["tokens"]);
    let lines: Vec<_> = plain.out.lines().collect();
    assert_eq!((plain.code, plain.err.as_str(), lines.len()), (0, "", 3), "{plain:?}");
    assert!(lines[0].starts_with("MODEL") && plain.out.contains("11112222") && plain.out.contains("locked"));

    let json = rig.run(&["--json", "tokens"]).json();
    assert_eq!(json["problems"], json!([]));
    let first =
        json["tokens"].as_array().unwrap().iter().find(|token| token["serial"] == "11112222").unwrap();
    for (key, value) in [
        ("model", json!("YubiKey 5")),
        ("vendor", json!("Yubico")),
        ("family", json!("ykoath")),
        ("firmware", json!("5.4.3")),
        ("state", json!("ready")),
        ("virtual", json!(true)),
        ("transports", json!(["virtual"])),
        ("pin_set", json!(false)),
        ("attempts_left", json!(-1)),
    ] {
        assert_eq!(first[key], value, "{key}");
    }
    assert!(first["path"].as_str().unwrap().ends_with(first["id"].as_str().unwrap()));
}

#[test]
fn a_token_that_could_not_be_read_is_listed_with_the_reason() {
    let rig = Rig::with_card();
    assert_eq!(rig.run(&["list"]).code, 0);
    // More than the daemon asks for in the time of this test.
    for _ in 0..100 {
        rig.card().unwrap().fail_next(Fault::Answer(vec![0x6f, 0x00]));
    }
    rig.run(&["list", "--refresh"]);
    let plain = rig.run(&["tokens"]);
    assert!(plain.plain().out.contains("  error  "), "{plain:?}");
    let why = " cannot be used, because it sent an invalid response; unplug it";
    for command in ["tokens", "list"] {
        let run = rig.run(&[command]);
        assert!(run.plain().err.contains(why), "{run:?}");
    }
    let token = &rig.run(&["--json", "tokens"]).json()["tokens"][0];
    assert_eq!((&token["state"], &token["state_reason"]), (&json!("error"), &json!("Malformed")));
    let unusable = json!([{ "id": token["id"], "state": "error", "state_reason": "Malformed" }]);
    assert_eq!(rig.run(&["list", "--json"]).json()["unusable_tokens"], unusable);
    let named = rig.run(&["code", "bob"]);
    named.failed(3, "No usable token has a credential that matches \"bob\".");
    named.failed(3, why);
    let status = rig.run(&["status"]);
    assert_eq!(status.code, 1, "{status:?}");
    assert!(status.out.contains("tokens               1 attached, 0 locked, 1 unusable\n"), "{status:?}");
    assert!(status.out.contains("problem              The token ") && status.out.contains(why), "{status:?}");
    let found: Value = serde_json::from_str(&rig.run(&["status", "--json"]).out).unwrap();
    assert_eq!(found["tokens"], json!({ "attached": 1, "locked": 0, "unusable": 1 }));
    assert_eq!(found["ok"], json!(false));
    let token = &Rig::start().run(&["--json", "tokens"]).json()["tokens"][0];
    assert_eq!((&token["state"], &token["state_reason"]), (&json!("ready"), &json!("")));
}

#[test]
fn credentials_are_listed_and_control_characters_are_escaped() {
    let rig = Rig::with_locked();
    let plain = rig.run(&["list", "--refresh"]);
    assert_eq!(plain.code, 0);
    let touched = plain.out.lines().find(|line| line.contains("touched")).unwrap();
    assert_eq!(
        touched.split_whitespace().collect::<Vec<_>>(),
        ["AWS", "touched", "totp", "yes", "YubiKey", "5", "…2222"]
    );
    assert!(plain.out.contains("Evil\\u{1b}[31m  mallory\\u{200b}AWS"), "{}", plain.out);
    assert!(!plain.out.contains('\x1b') && plain.out.lines().count() == 5);
    assert!(
        plain.err.contains("…4444 is locked; unlock it with oathbridgectl unlock ykoath_"),
        "{}",
        plain.err
    );

    assert_eq!(rig.run(&["accounts"]).out, plain.out);

    let json = rig.run(&["list", "--json"]);
    let list: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!((json.code, json.err.as_str()), (0, ""));
    assert_eq!(list["locked_tokens"].as_array().unwrap().len(), 1);
    let credentials = list["credentials"].as_array().unwrap();
    assert_eq!(credentials.len(), 4);
    let evil = credentials.iter().find(|credential| credential["account"] == "mallory\u{200b}AWS").unwrap();
    // The daemon already escapes control characters.
    assert_eq!(evil["issuer"], "Evil\\u{1b}[31m");
    for (key, value) in [
        ("type", json!("totp")),
        ("algorithm", json!("SHA1")),
        ("digits", json!(6)),
        ("period", json!(30)),
        ("touch_required", json!("no")),
    ] {
        assert_eq!(evil[key], value, "{key}");
    }
}

#[test]
fn an_empty_list_prints_what_to_do() {
    let rig = Rig::empty();
    let start = "sudo systemctl start pcscd.socket";
    let tokens = rig.run(&["tokens"]);
    assert_eq!((tokens.code, tokens.out.as_str()), (0, ""), "{tokens:?}");
    let (first, last) = tokens.err.split_once('\n').unwrap();
    assert!(first.contains(start) && last.contains("plug one in"), "the reason comes first: {tokens:?}");
    assert_eq!(rig.run(&["tokens", "--json"]).json()["problems"][0]["problem"], "pcscd-unavailable");
    for command in ["list", "code"] {
        rig.run(&[command]).failed(1, start);
    }
    let list = rig.run(&["list", "--json"]);
    let shown: Value = serde_json::from_str(&list.out).unwrap();
    assert_eq!((list.code, &shown["problems"][0]["problem"]), (1, &json!("pcscd-unavailable")));
    rig.run(&["code", "alice"]).failed(3, start);
    rig.run(&["code", "alice"]).failed(3, "plug one in");
    rig.run(&["code", "alice"]).failed(3, STATUS);
}

#[test]
fn without_a_daemon_the_error_says_how_to_start_it() {
    let rig = Rig::without_daemon();
    for arguments in [&["tokens"][..], &["list"], &["code", "alice"], &["unlock"]] {
        rig.run(arguments).failed(10, "systemctl --user start oathbridge");
        rig.run(arguments).failed(10, STATUS);
    }
    let json = rig.run(&["ls", "--json"]);
    let error = &serde_json::from_str::<Value>(&json.out).unwrap()["error"];
    assert_eq!(
        (json.code, &error["exit_status"], error["message"].as_str()),
        (10, &json!(10), json.err.trim_end().strip_prefix("oathbridgectl: "))
    );
    // The status says the same as the command that failed.
    for (address, words) in [
        ("unix:path=/nonexistent/bus", ": No such file or directory); log in to a desktop session, or set "),
        ("nonsense", "DBUS_SESSION_BUS_ADDRESS is not a valid address; unset it"),
    ] {
        let run = |argument: &str| {
            let mut command = rig.tool();
            command.arg(argument).env("DBUS_SESSION_BUS_ADDRESS", address);
            super::rig::finish(command, "")
        };
        let failed = run("tokens");
        failed.failed(10, words);
        let status = run("status");
        assert_eq!((status.code, status.err), (10, failed.err));
    }
    let mut command = rig.tool();
    command
        .arg("tokens")
        .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus")
        .env("SUDO_USER", "alice");
    let run = super::rig::finish(command, "");
    assert_eq!(run.err.contains("without sudo"), rustix::process::geteuid().is_root(), "{run:?}");
}

#[test]
fn hidden_credentials_are_listed_and_searched_only_on_request() {
    let rig = Rig::start();
    for list in [&["list"][..], &["list", "--json"], &["code"]] {
        let plain = rig.run(list);
        assert!(plain.code == 0 && plain.out.contains("alice") && !plain.out.contains("bob"), "{plain:?}");
        let shown = rig.run(&[list, &["-H"]].concat());
        assert!(shown.code == 0 && shown.out.contains("bob"), "{shown:?}");
    }
    rig.run(&["code", "bob"]).failed(3, "No credential matches");
    for found in [&["code", "_hidden:bob"][..], &["code", "bob", "--show-hidden"]] {
        assert_eq!(rig.run(found).code, 0, "{found:?}");
    }
}

#[test]
fn a_token_with_nothing_but_hidden_credentials_says_so() {
    let rig = Rig::with_hidden();
    for command in ["list", "code"] {
        let run = rig.run(&[command]);
        assert_eq!((run.code, run.out.as_str()), (0, ""), "{run:?}");
        assert!(run.err.contains("All credentials are hidden; add --show-hidden"), "{run:?}");
    }
}

#[test]
fn wrong_usage_help_and_version_have_their_exit_codes() {
    let rig = Rig::without_daemon();
    rig.run(&["frobnicate"]).failed(2, "frobnicate");
    let help = rig.run(&["--help"]);
    assert_eq!((help.code, help.err.as_str()), (0, ""));
    assert!(help.out.contains("10  the daemon is not reachable"), "{}", help.out);
    assert!(rig.run(&["--version"]).out.starts_with("oathbridgectl "));
}
