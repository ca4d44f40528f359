//! Every member of the JSON of every command is in the manual.

use std::collections::BTreeSet;
use std::fs;
use std::process::Stdio;

use serde_json::Value;

use super::requests::Watching;
use super::rig::{PASSWORD, Rig, Run, finish};

/// The names of all members, at any depth.
fn members(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            names.extend(map.keys().cloned());
            map.values().for_each(|value| members(value, names));
        }
        Value::Array(values) => values.iter().for_each(|value| members(value, names)),
        _ => {}
    }
}

fn add(json: &str, names: &mut BTreeSet<String>) {
    members(&serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {json}")), names);
}

/// The words of the manual's section about JSON.
fn manual() -> BTreeSet<String> {
    let manual = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/man/oathbridgectl.1")).unwrap();
    let json = manual.split(".SH JSON").nth(1).unwrap().split(".SH EXIT").next().unwrap();
    json.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').map(str::to_owned).collect()
}

#[track_caller]
fn assert_documented(names: &BTreeSet<String>) {
    let manual = manual();
    for name in names {
        assert!(manual.contains(name), "{name} is missing");
    }
}

#[test]
fn every_member_of_the_json_is_in_the_manual() {
    let rig = Rig::with_locked();
    let empty = Rig::empty();
    rig.use_steps("touched", 0);
    let verify = ["verify", "alice", "--profile", "work", "--session-stdin", "--json"];
    let runs = [
        empty.run(&["tokens", "--json"]),
        rig.run(&["tokens", "--json"]),
        rig.run(&["list", "--json"]),
        rig.run(&["code", "alice", "--next", "--json"]),
        rig.run_with(&verify, &rig.user.session),
        rig.run(&["code", "--json"]),
        rig.run(&["cancel", "--list", "--json"]),
        rig.run(&["status", "--json"]),
        rig.run(&["lock", "--json"]),
        rig.run(&["guard", "show", "--json"]),
        rig.run(&["guard", "forget", "touched", "--yes", "--json"]),
        rig.run_with(&["unlock", "--password-stdin", "--json"], PASSWORD),
    ];
    let mut names = BTreeSet::new();
    for run in &runs {
        assert_eq!(run.code, 0, "{run:?}");
        add(&run.out, &mut names);
    }
    for failed in [rig.run(&["code", "nobody", "--json"]), empty.run(&["status", "--json"])] {
        assert_ne!(failed.code, 0, "{failed:?}");
        add(&failed.out, &mut names);
    }
    assert!(names.contains("advice") && names.contains("exit_status"), "{names:?}");
    assert_documented(&names);
}

#[test]
fn every_member_about_the_configuration_is_in_the_manual() {
    let rig = Rig::start();
    let tool = |arguments: &[&str]| -> Run {
        let mut command = rig.tool();
        command.args(arguments).arg("--json").env("XDG_CONFIG_HOME", rig.file("config"));
        finish(command, "")
    };
    let file = rig.file("wrong.toml");
    fs::write(&file, "[pcsc]\nenable = true\n").unwrap();
    let wrong = file.to_str().unwrap();
    let twice = rig.file("contradictory.toml");
    fs::write(&twice, "[profiles.w]\nregion = 'us-east-1'\nuser_pool_id = 'eu-central-1_A'\n").unwrap();
    let mut names = BTreeSet::new();
    for (code, run) in [
        (1, tool(&["config", "check", "--config", wrong])),
        (0, tool(&["config", "check", "--config", twice.to_str().unwrap()])),
        (0, tool(&["config", "show"])),
        (0, tool(&["profile", "list"])),
        (0, tool(&["profile", "test", "work"])),
        (0, tool(&["profile", "add", "home", "--region", "eu-central-1", "--account", "touched"])),
    ] {
        assert_eq!(run.code, code, "{run:?}");
        add(&run.out, &mut names);
    }
    for name in ["sentence", "keys", "endpoint", "checks"] {
        assert!(names.contains(name), "{name}: {names:?}");
    }
    assert_documented(&names);
}

#[test]
fn every_member_about_a_running_request_is_in_the_manual() {
    let rig = Rig::start();
    let mut watching = Watching::start(&rig, &["--json"]);
    let mut names = BTreeSet::new();
    add(&watching.next(), &mut names);
    let mut code =
        rig.tool().args(["code", "touched"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    add(&watching.next(), &mut names);
    for arguments in [["cancel", "--list"], ["cancel", "--all"]] {
        let mut command = rig.tool();
        command.args(arguments).arg("--json");
        let run = finish(command, "");
        assert_eq!(run.code, 0, "{run:?}");
        add(&run.out, &mut names);
    }
    assert_eq!(code.wait().unwrap().code(), Some(1));
    for name in ["requester", "handle", "outcome"] {
        assert!(names.contains(name), "{name}: {names:?}");
    }
    assert_documented(&names);
}
