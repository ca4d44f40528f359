//! `challenge`, `watch` and `cancel`.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Stdio};

use serde_json::{Value, json};

use super::rig::{Rig, Run};

fn answer(rig: &Rig, arguments: &[&str], input: &str) -> Run {
    let mut command = rig.tool();
    command.arg("challenge").args(arguments);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Run { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

#[test]
fn a_challenge_is_answered_with_tokens() {
    let rig = Rig::start();
    let session = rig.cognito.challenge("alice", None, true).unwrap();
    let challenge = json!({
        "ChallengeName": "SELECT_MFA_TYPE",
        "Session": session,
        "ChallengeParameters": {"MFAS_CAN_CHOOSE": "[\"SOFTWARE_TOKEN_MFA\"]"},
    });
    let client = ["--profile", "work", "--client-id", "client1", "--username", "alice"];
    let run = answer(&rig, &client, &challenge.to_string());
    assert_eq!(run.code, 0, "{run:?}");
    let reply: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(reply["AuthenticationResult"]["TokenType"], "Bearer");
    assert!(reply["AuthenticationResult"]["AccessToken"].is_string());
    assert!(!run.err.contains(&session) && !rig.log().contains(&session));
}

#[test]
fn the_wait_of_a_challenge_comes_from_the_daemon() {
    let rig = Rig::start();
    let session = rig.cognito.challenge("alice", None, false).unwrap();
    let challenge = json!({"ChallengeName": "SOFTWARE_TOKEN_MFA", "Session": session});
    let who = ["AWS:touched", "--profile", "work", "--client-id", "client1", "--username", "alice"];
    let run = answer(&rig, &who, &challenge.to_string());
    assert_eq!(run.code, 0, "{}", run.err);
    // Near the end of a time step the next one is waited for, which takes another line, and perhaps another touch.
    let is_touch = |line: &str| line.starts_with("Touch the token YubiKey 5 …2222 now (waits up to 35 s)");
    let is_step = |line: &str| line.starts_with("Waiting for the next time step");
    assert!(run.err.lines().any(is_touch), "{}", run.err);
    assert!(run.err.lines().all(|line| is_touch(line) || is_step(line)), "{}", run.err);
}

#[test]
fn invalid_input_of_challenge_is_not_printed() {
    let rig = Rig::start();
    let run = answer(&rig, &["--profile", "work"], "{\"Session\": \"s3cret-s3cret-s3cret\"}");
    run.failed(2, "client_id");
    let known = ["--profile", "work", "--client-id", "client1"];
    let run = answer(&rig, &known, "{\"Session\": \"s3cret-s3cret-s3cret\"}");
    run.failed(2, "InitiateAuth");
    assert!(!run.err.contains("s3cret"));
    answer(&rig, &known, r#"{"AuthenticationResult": {}}"#).failed(2, "The sign-in is complete");
    answer(&rig, &known, r#"{"ChallengeName": "SMS_MFA", "Session": "s"}"#)
        .failed(2, "Cognito asked for SMS_MFA");
    answer(&rig, &[], "").failed(2, "Name the app client: add --client-id ID or --profile NAME.");
    answer(&rig, &["--client-id", "client1"], "").failed(2, "Name the region: add --region REGION");
}

/// A running `watch` and its lines.
pub(super) struct Watching {
    child: Child,
    lines: Option<std::io::Lines<BufReader<std::process::ChildStdout>>>,
}

impl Watching {
    pub(super) fn start(rig: &Rig, arguments: &[&str]) -> Self {
        let mut child = rig.tool().arg("watch").args(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines: Some(lines) }
    }

    pub(super) fn next(&mut self) -> String {
        self.lines.as_mut().unwrap().next().unwrap().unwrap()
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn watch_shows_a_touch_while_a_request_waits_for_it() {
    let mut rig = Rig::start();
    let mut plain = Watching::start(&rig, &[]);
    let mut waybar = Watching::start(&rig, &["--format=waybar"]);
    let mut lines = Watching::start(&rig, &["--json"]);
    let nothing: Value = serde_json::from_str(&lines.next()).unwrap();
    assert_eq!((&nothing["kind"], &nothing["name"]), (&json!(""), &Value::Null));
    assert_eq!(plain.next(), "Nothing to do.");
    let idle: Value = serde_json::from_str(&waybar.next()).unwrap();
    assert_eq!((idle["class"].as_str(), idle["text"].as_str()), (Some("idle"), Some("")));
    let mut code =
        rig.tool().args(["code", "AWS:touched"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    assert_eq!(plain.next(), "Touch YubiKey 5 …2222: code of AWS:touched, requested by oathbridgectl.");
    let line: Value = serde_json::from_str(&lines.next()).unwrap();
    assert_eq!(
        (&line["kind"], &line["name"], &line["request"]),
        (&json!("touch"), &json!("AWS:touched"), &json!("Calculate"))
    );
    let touch: Value = serde_json::from_str(&waybar.next()).unwrap();
    assert_eq!(
        (touch["class"].as_str(), touch["text"].as_str()),
        (Some("touch"), Some("Touch YubiKey 5 …2222"))
    );
    assert!(code.wait().unwrap().success());
    assert_eq!(plain.next(), "Nothing to do.");
    // `watch` continues after the end of the daemon.
    rig.kill_daemon();
    assert!(plain.child.try_wait().unwrap().is_none());
}

#[test]
fn watch_ends_when_its_output_is_closed() {
    let rig = Rig::start();
    let mut watching = Watching::start(&rig, &[]);
    assert_eq!(watching.next(), "Nothing to do.");
    watching.lines = None;
    // There is no event that it could print.
    let ended = (0..3_000).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(20));
        watching.child.try_wait().unwrap().is_some_and(|status| status.success())
    });
    assert!(ended);
}

#[test]
fn cancel_fails_if_nothing_runs() {
    let rig = Rig::start();
    rig.run(&["cancel"]).failed(3, "No request is running.");
    rig.run(&["cancel", "unheard-of"]).failed(3, "list them with `oathbridgectl cancel --list`.");
    let list = rig.run(&["cancel", "--list"]);
    assert_eq!((list.code, list.out.as_str(), list.err.as_str()), (0, "", "No request is running.\n"));
    assert_eq!(rig.run(&["--json", "cancel", "--all"]).json()["cancelled"], json!([]));
}

#[test]
fn a_running_request_is_cancelled() {
    let rig = Rig::start();
    let mut watching = Watching::start(&rig, &[]);
    watching.next();
    let child = rig
        .tool()
        .args(["code", "AWS:touched"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    assert!(watching.next().starts_with("Touch"));
    let list = rig.run(&["cancel", "--list"]);
    let row = list.plain().out.lines().nth(1).unwrap();
    let row: Vec<_> = row.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect();
    assert_eq!(row, ["oathbridgectl", "code", "AWS:touched", "waits for a touch", "oathbridgectl"]);
    let json = rig.run(&["cancel", "--list", "--json"]).json();
    assert_eq!(
        (&json["running"][0]["name"], &json["running"][0]["handle"]),
        (&"AWS:touched".into(), &"oathbridgectl".into())
    );
    assert_eq!(
        (&json["running"][0]["request"], &json["running"][0]["state"]),
        (&"Calculate".into(), &"waiting-touch".into())
    );
    let cancelled = rig.run(&["cancel"]);
    assert_eq!((cancelled.code, cancelled.err.as_str()), (0, "Cancelled; no code was sent.\n"));
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
    assert!(String::from_utf8(output.stderr).unwrap().contains("cancelled"));
}
