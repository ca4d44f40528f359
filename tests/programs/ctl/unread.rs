//! `list` and `code` while there is nothing to print, because no token could be read.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::rig::Rig;

/// Waits until a token has this state.
fn until_state(rig: &Rig, expected: &str) {
    let begun = Instant::now();
    loop {
        let tokens = rig.run(&["tokens", "--json"]).json();
        if tokens["tokens"][0]["state"] == expected {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(120), "no token is {expected}: {tokens}");
    }
}

/// The output with `--json`, whose first unusable token has this state.
fn check_json(rig: &Rig, command: &str, code: i32, state: &str) {
    let run = rig.run(&[command, "--json"]);
    let shown: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!((run.code, &shown["unusable_tokens"][0]["state"]), (code, &json!(state)), "{run:?}");
    assert!(run.err.starts_with("oathbridgectl: The "), "{run:?}");
}

#[test]
fn a_token_whose_list_fails_is_named() {
    let mut rig = Rig::with_card();
    rig.kill_daemon();
    rig.card().unwrap().break_list(true);
    rig.start_daemon();
    let why = " cannot be used, because it sent an invalid response; unplug it";
    for command in ["list", "code"] {
        rig.run(&[command]).failed(1, why);
        check_json(&rig, command, 1, "error");
    }
    rig.run(&["code", "bob"]).failed(3, why);
    rig.card().unwrap().break_list(false);
    assert_eq!(rig.run(&["list", "--refresh"]).code, 0);
}

#[test]
fn a_token_that_is_being_read_and_one_that_hangs_are_named() {
    let mut rig = Rig::with_card();
    rig.kill_daemon();
    let card = rig.card().unwrap().clone();
    // It answers the selection of its application, and one more command for each run of the tool.
    card.answer_only(Some(1));
    rig.start_daemon();
    rig.run(&["list"]).failed(7, " is still being read; try again in a few seconds.");
    card.answer_only(Some(1));
    check_json(&rig, "code", 7, "reading");
    until_state(&rig, "stuck");
    for command in ["list", "code"] {
        rig.run(&[command]).failed(1, " stopped answering; unplug it and plug it in again.");
    }
    check_json(&rig, "list", 1, "stuck");
    card.answer_only(None);
    until_state(&rig, "ready");
    assert_eq!(rig.run(&["list"]).code, 0);
}

/// As `ykman config usb --disable OATH` leaves it.
#[test]
fn a_key_whose_application_is_switched_off_is_named_with_the_command() {
    let mut rig = Rig::with_card();
    rig.kill_daemon();
    rig.card().unwrap().switch_oath_off();
    rig.start_daemon();
    for command in ["list", "code"] {
        rig.run(&[command]).failed(1, "`ykman config usb --enable OATH`");
        check_json(&rig, command, 1, "no-oath");
    }
    rig.run(&["code", "bob"]).failed(3, "`ykman config usb --enable OATH`");
    let token = &rig.run(&["tokens", "--json"]).json()["tokens"][0];
    assert_eq!((&token["vendor"], &token["model"]), (&json!("Yubico"), &json!("YubiKey 5")));
    assert_eq!((&token["state"], &token["state_reason"]), (&json!("no-oath"), &json!("")));
}
