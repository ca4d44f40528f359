//! `code`.

use serde_json::{Value, json};

use super::rig::Rig;

fn is_code(line: &str) -> bool {
    line.len() == 6 && line.bytes().all(|byte| byte.is_ascii_digit())
}

#[test]
fn only_the_code_is_printed_and_the_next_one_if_requested() {
    let rig = Rig::start();
    let plain = rig.run(&["code", "AWS:alice"]);
    assert_eq!((plain.code, plain.err.as_str()), (0, ""));
    assert!(plain.out.ends_with('\n') && is_code(plain.out.trim_end()), "{plain:?}");

    let both = rig.run(&["code", "alice", "--next"]);
    let lines: Vec<_> = both.out.lines().collect();
    assert!(lines.len() == 2 && lines.iter().all(|line| is_code(line)) && lines[0] != lines[1], "{both:?}");

    let json = rig.run(&["code", "alice", "--next", "--json"]).json();
    assert!(is_code(json["code"].as_str().unwrap()) && is_code(json["next_code"].as_str().unwrap()));
    let (from, until) = (json["valid_from"].as_u64().unwrap(), json["valid_until"].as_u64().unwrap());
    assert_eq!((until - from, from % 30), (30, 0));
    assert_eq!(json["credential"]["account"], "alice");
}

#[test]
fn a_credential_is_found_by_id_path_and_part_of_its_name() {
    let rig = Rig::start();
    let id = rig.id("alice");
    let path = format!("/io/github/oathbridge/OathBridge1/credentials/{id}");
    for query in [id.as_str(), &path, "aws:AL"] {
        let json = rig.run(&["code", query, "--json"]).json();
        assert_eq!(json["credential"]["id"], id.as_str(), "{query}");
    }
}

#[test]
fn several_matches_list_the_choices_and_no_match_lists_all() {
    let rig = Rig::start();
    let run = rig.run(&["code", "AWS"]);
    run.failed(4, "2 credentials match \"AWS\"");
    assert!(run.err.contains(&rig.id("touched")) && run.err.contains("AWS:alice"), "{}", run.err);
    rig.run(&["code", "nobody"]).failed(3, "VPN:dave");
    rig.run(&["code", "alcie"]).failed(3, "did you mean \"alice\"?");
    assert_eq!(rig.run(&["code", "alice", "--token", "…2222"]).code, 0);
    rig.run(&["code", "alice", "--token", "99999999"]).failed(3, "11112222".split_at(4).1);
    assert_eq!(rig.run(&["code", "alice", "--token", "11112222"]).code, 0);
}

#[test]
fn a_counter_advances_only_with_advance_counter() {
    let rig = Rig::start();
    rig.run(&["code", "dave"])
        .failed(2, "`dave` is counter-based and each code uses one up; add --advance-counter");
    rig.run(&["code", "dave", "--next"]).failed(2, "leave out --next");
    rig.run(&["code", "alice", "--advance-counter"]).failed(2, "`alice` is time-based");
    // RFC 4226, appendix D: the first two values.
    assert_eq!(rig.run(&["code", "dave", "--advance-counter"]).out, "755224\n");
    let json = rig.run(&["code", "dave", "--advance-counter", "--json"]).json();
    assert_eq!((json["code"].as_str(), json["valid_from"].is_null()), (Some("287082"), true));
    assert!(json.get("next_code").is_none());
}

#[test]
fn the_request_for_a_touch_is_on_standard_error() {
    let rig = Rig::start();
    let run = rig.run(&["code", "touched", "--timeout", "30"]);
    assert_eq!((run.code, is_code(run.out.trim_end())), (0, true), "{run:?}");
    assert_eq!(run.err, "Touch the token YubiKey 5 …2222 now (waits up to 21 s)\n");
    let quick = rig.run(&["code", "touched", "--timeout", "9"]);
    quick.failed(6, "not touched in time");
}

#[test]
fn a_claimed_step_is_spent() {
    let rig = Rig::start();
    assert_eq!(rig.run(&["code", "alice", "--claim"]).code, 0);
    let shown = rig.run(&["guard", "show", "--json"]).json();
    assert_eq!(shown["credentials"][0]["id"], rig.id("alice").as_str());
    rig.use_steps("alice", 5);
    let spent = rig.run(&["code", "alice", "--claim"]);
    spent.failed(7, "This code was already used; try again in ");
    assert!(spent.err.contains(" (at ") && !spent.err.contains("Unix"), "{}", spent.err);
    let json = rig.run(&["code", "alice", "--claim", "--json"]);
    let error = &serde_json::from_str::<Value>(&json.out).unwrap()["error"];
    assert_eq!((json.code, &error["name"], &error["exit_status"]), (7, &"StepSpent".into(), &7.into()));
    assert!(error["retry_at"].as_u64().is_some_and(|at| at % 30 == 0), "{error}");
}

#[test]
fn a_wait_beyond_the_timeout_fails_at_once() {
    let rig = Rig::start();
    let long = rig.run(&["code", "alice", "--min-validity", "40"]);
    long.failed(2, "--min-validity 40 is longer than this code is valid (30 s); use 30 or less.");
    rig.run(&["code", "alice", "--timeout", "abc"])
        .failed(2, "\"abc\" is not a number of seconds (1 to 900).");
}

#[test]
fn without_a_credential_every_code_without_a_touch_is_printed() {
    let rig = Rig::with_locked();
    let plain = rig.run(&["code"]);
    assert_eq!(plain.code, 0, "{plain:?}");
    let lines: Vec<Vec<_>> = plain.out.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["ISSUER", "ACCOUNT", "CODE", "TOKEN"]);
    assert!(lines.len() == 3 && lines[1..].iter().all(|line| is_code(line[2])), "{}", plain.out);
    assert!(plain.err.contains("2 other credentials need a touch or a counter"), "{}", plain.err);
    assert!(plain.err.contains("…4444 is locked"), "{}", plain.err);
    // The counter was not used, and nobody was asked for a touch.
    assert_eq!(rig.run(&["code", "dave", "--advance-counter"]).out, "755224\n");

    let json = rig.run(&["code", "--json", "--token", "2222"]).json();
    let codes = json["codes"].as_array().unwrap();
    assert_eq!((codes.len(), json["skipped"].as_array().unwrap().len()), (2, 2), "{json}");
    assert!(codes.iter().all(|code| is_code(code["code"].as_str().unwrap())), "{json}");
    assert_eq!(codes[0]["name"], "AWS:alice");
    assert_eq!(rig.run(&["code", "--quiet"]).err, "");
    rig.run(&["code", "--next"]).failed(2, "--help");
}

/// A rig whose daemon refuses every code.
fn without_codes() -> Rig {
    let rig = Rig::start();
    let file = rig.file("config/oathbridge/config.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let rule = "[[access.rule]]\ncaller = 'executable:*'\nread_code = 'deny'\n";
    std::fs::write(&file, format!("{text}{rule}")).unwrap();
    rig.block_on(rig.client.call::<_, ()>(oathbridge::dbus::names::ROOT, "Manager", "Reload", &())).unwrap();
    rig
}

/// The credentials that are left out may be the only usable ones, as under `require_touch` of the policy.
#[test]
fn credentials_that_are_left_out_are_told_though_every_code_was_refused() {
    let run = without_codes().run(&["code"]);
    assert_eq!((run.code, run.out.as_str()), (1, ""), "{run:?}");
    assert!(run.err.starts_with("2 other credentials need a touch or a counter; "), "{run:?}");
    assert_eq!(run.err.matches("oathbridgectl: ").count(), 1, "one failure for all: {run:?}");
}

#[test]
fn the_json_has_each_failure_though_every_code_was_refused() {
    let run = without_codes().run(&["code", "--json"]);
    assert_eq!(run.code, 1, "{run:?}");
    let json: Value = serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {run:?}"));
    assert_eq!((&json["codes"], json["skipped"].as_array().unwrap().len()), (&json!([]), 2), "{json}");
    let failed = json["failed"].as_array().unwrap();
    assert_eq!((failed.len(), &failed[0]["name"]), (2, &json!("AWS:alice")), "{json}");
    for failure in failed {
        let message = failure["message"].as_str().unwrap();
        assert!(message.contains("may not read_code"), "{json}");
        assert_eq!(run.err, format!("oathbridgectl: {message}\n"), "one failure for all");
    }
}

#[test]
fn a_full_disk_is_told_as_such() {
    let rig = Rig::start();
    let mut shell = rig.command("sh");
    shell.args(["-c", "exec \"$0\" code alice >/dev/full"]).arg(super::rig::program());
    super::rig::finish(shell, "").failed(1, "The disk is full; free some space and try again.");
}

#[test]
fn a_closed_standard_output_is_an_error_before_anything_is_used_up() {
    let rig = Rig::start();
    let mut shell = rig.command("sh");
    shell.args(["-c", "exec \"$0\" code dave --advance-counter >&-"]).arg(super::rig::program());
    super::rig::finish(shell, "").failed(2, "Standard output is closed");
    let mut shell = rig.command("sh");
    shell.args(["-c", "exec \"$0\" verify alice --session-stdin --region eu-central-1 --print-session >&-"]);
    shell.arg(super::rig::program());
    super::rig::finish(shell, "session").failed(2, "the session would be lost");
    let mut shell = rig.command("sh");
    shell.args(["-c", "exec \"$0\" code dave --advance-counter >/dev/null"]).arg(super::rig::program());
    assert_eq!(super::rig::finish(shell, "").code, 0);
    // RFC 4226, appendix D: only the second command used a value.
    assert_eq!(rig.run(&["code", "dave", "--advance-counter"]).out, "287082\n");
}
