//! `verify`, with a fake Cognito.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use testkit::fake_cognito::{Fault, Plan};

use super::rig::{Rig, finish, program};

#[test]
fn the_access_token_may_come_from_standard_input() {
    let rig = Rig::start();
    let token = format!("{}\n", rig.user.access_token);
    let run = rig.run_with(&["verify", "AWS:alice", "--profile", "work", "--access-token-stdin"], &token);
    assert_eq!((run.code, run.out.as_str()), (0, "SUCCESS\n"), "{run:?}");
    assert!(!run.err.contains(token.trim_end()) && !rig.log().contains(token.trim_end()));
    assert_eq!(rig.cognito.submissions().values().sum::<usize>(), 1);
}

#[test]
fn the_session_may_come_from_a_descriptor() {
    let rig = Rig::start();
    std::fs::write(rig.file("session"), &rig.user.session).unwrap();
    let mut shell = rig.command("sh");
    shell.args(["-c", "exec \"$0\" verify --profile work --session-fd 3 --print-session 3<\"$1\""]);
    shell.arg(program()).arg(rig.file("session"));
    let run = finish(shell, "");
    let lines: Vec<_> = run.out.lines().collect();
    assert_eq!((run.code, lines.len(), lines[0]), (0, 2, "SUCCESS"), "{run:?}");
    assert_ne!(lines[1], rig.user.session, "each session is good for one step");
    assert!(!run.err.contains(lines[1]) && !rig.log().contains(lines[1]));
}

#[test]
fn the_session_is_printed_only_with_print_session() {
    let rig = Rig::start();
    let arguments = ["verify", "--profile", "work", "--session-stdin"];
    let run = rig.run_with(&arguments, &rig.user.session);
    assert_eq!((run.code, run.out.as_str()), (0, "SUCCESS\n"), "{run:?}");
    assert!(run.err.contains("--print-session"), "{}", run.err);
}

#[test]
fn json_has_the_additional_values_of_the_daemon() {
    let rig = Rig::start();
    let arguments = ["verify", "alice", "--profile", "work", "--session-stdin", "--json"];
    let run = rig.run_with(&arguments, &rig.user.session);
    let json: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!((run.code, json["status"].as_str(), json["attempts"].as_u64()), (0, Some("SUCCESS"), Some(1)));
    assert!(json["session"].as_str().is_some_and(|session| session.len() >= 20));
    assert!(json["request_id"].is_string() && json["clock_skew"].is_number());
    assert_eq!(json["credential"]["account"], "alice");
}

#[test]
fn missing_and_public_secrets_are_wrong_usage() {
    let rig = Rig::start();
    let token = &rig.user.access_token;
    rig.run(&["verify", "alice", "--profile", "work"]).failed(2, "--access-token-stdin");
    let public = rig.run(&["verify", "alice", "--access-token", token]);
    public.failed(2, "can read arguments");
    let astray = rig.run_with(&["verify", token, "--access-token-stdin"], token);
    astray.failed(3, "AWS:alice");
    for run in [public, astray, rig.run(&["verify", "alice", token])] {
        assert!(!run.err.contains(token.as_str()), "{}", run.err);
    }
    let both = ["verify", "alice", "--access-token-stdin", "--session-stdin"];
    rig.run(&both).failed(2, "cannot be used with");
    rig.run_with(&["verify", "alice", "--access-token-stdin"], "no token").failed(2, "access token");
    rig.run_with(&["verify", "--access-token-stdin"], token)
        .failed(2, "Name a credential (`oathbridgectl list` shows them) or a profile that has one.");
    rig.run_with(&["verify", "--profile", "wrk", "--access-token-stdin"], token)
        .failed(3, "There is no profile \"wrk\"; did you mean \"work\"?");
    rig.run_with(&["verify", "alice", "--session-stdin"], "any")
        .failed(2, "Name the region: add --region REGION or --profile NAME.");
    rig.run(&["verify", "alice", "--access-token-stdin"])
        .failed(2, "Standard input was empty; pipe the access token in");
    rig.run_with(&["verify", "alice", "--access-token-stdin", "--region", "mars-1"], token)
        .failed(2, "region");
    assert!(rig.cognito.submissions().is_empty());
}

#[test]
fn refusals_of_cognito_have_their_own_exit_code() {
    let rig = Rig::start();
    rig.cognito.revoke(&rig.user.access_token);
    let arguments = ["verify", "alice", "--profile", "work", "--access-token-stdin"];
    let run = rig.run_with(&arguments, &rig.user.access_token);
    run.failed(8, "\n  Cognito's error code: NotAuthorizedException\n  request id: ");
    assert!(!run.err.contains(&rig.user.access_token));
    let json = rig.run_with(&[&arguments[..], &["--json"]].concat(), &rig.user.access_token);
    let error = &serde_json::from_str::<serde_json::Value>(&json.out).unwrap()["error"];
    assert_eq!((json.code, &error["aws_code"]), (8, &"NotAuthorizedException".into()), "{error}");
    assert_eq!(error["request_id"].as_str().map(str::len), Some(36));
}

#[test]
fn a_spent_step_exits_with_later_and_a_wait_for_the_next_one_is_shown() {
    let rig = Rig::start();
    rig.use_steps("alice", 1);
    let short = ["verify", "alice", "--profile", "work", "--access-token-stdin", "--timeout", "15"];
    rig.run_with(&short, &rig.user.access_token).failed(7, "already used");

    std::fs::write(rig.file("token"), &rig.user.access_token).unwrap();
    let mut tool = rig.tool();
    tool.args(["verify", "alice", "--profile", "work", "--access-token-stdin"]);
    let mut child = tool
        .stdin(std::fs::File::open(rig.file("token")).unwrap())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(line.starts_with("Waiting for the next time step (waits up to "), "{line}");
    assert!(rig.cognito.submissions().is_empty());
}

#[test]
fn a_crash_of_the_daemon_leaves_the_outcome_unknown() {
    let mut rig = Rig::start();
    rig.cognito.plan(Plan { fault: Fault::None, delay_ms: 60_000, count: 1, ..Plan::default() });
    std::fs::write(rig.file("token"), &rig.user.access_token).unwrap();
    let mut tool = rig.tool();
    tool.args(["verify", "alice", "--profile", "work", "--access-token-stdin"]);
    let mut child = tool
        .stdin(std::fs::File::open(rig.file("token")).unwrap())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.starts_with("Waiting for the answer of Amazon Cognito")));
    rig.kill_daemon();
    assert!(lines.next().unwrap().contains("may have been sent"));
    assert_eq!(child.wait().unwrap().code(), Some(9));
}
