//! `code`.

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
    rig.run(&["code", "alice", "--token", "99999999"]).failed(3, "11112222".split_at(4).1);
    assert_eq!(rig.run(&["code", "alice", "--token", "11112222"]).code, 0);
}

#[test]
fn a_counter_advances_only_with_advance_counter() {
    let rig = Rig::start();
    rig.run(&["code", "dave"]).failed(2, "advance-counter");
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
    rig.run(&["code", "alice", "--claim"]).failed(7, "already used");
}

#[test]
fn a_wait_beyond_the_timeout_fails_at_once() {
    let rig = Rig::start();
    rig.run(&["code", "alice", "--min-validity", "31"]).failed(2, "min-validity");
}
