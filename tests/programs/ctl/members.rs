//! Every member of the JSON of every command is in the manual, in the entry of the command or one that it refers to.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Stdio;

use serde_json::Value;

use super::requests::Watching;
use super::rig::{PASSWORD, Rig, Run, finish};

/// Writes the credential of [`URI`] to the first token.
const ADD: [&str; 5] = ["add", "--token", "11112222", "--secret-stdin", "--json"];
const URI: &str = "otpauth://totp/Shop:bob?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

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

/// The words in bold of each entry of the manual's section about JSON, and the entries that it refers to. A reference does
/// not lead to those of the other entry.
struct Manual(BTreeMap<String, (BTreeSet<String>, Vec<String>)>);

impl Manual {
    fn read() -> Self {
        let manual = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/man/oathbridgectl.1")).unwrap();
        let json = manual.split(".SH JSON").nth(1).unwrap().split(".SH EXIT").next().unwrap();
        let entry = |text: &str| {
            let (name, text) = text.strip_prefix(".B ").unwrap().split_once('\n').unwrap();
            let bold = text
                .lines()
                .filter(|line| [".B ", ".BR", ".RB"].iter().any(|request| line.starts_with(request)));
            let words = bold
                .flat_map(|line| line.split(|letter: char| !letter.is_ascii_lowercase() && letter != '_'));
            let others = text.split("as in\n.BR ").skip(1);
            let others = others.filter_map(|rest| rest.split([' ', '\n']).next()).map(str::to_owned);
            (name.replace('\\', ""), (words.map(str::to_owned).collect(), others.collect()))
        };
        Self(json.split("\n.TP\n").skip(1).map(entry).collect())
    }

    fn has(&self, command: &str, name: &str) -> bool {
        let (words, others) = self.0.get(command).unwrap_or_else(|| panic!("{command} has no entry"));
        // The entry `error` is named like its member.
        let is_there = |other: &String| self.0.get(other).is_some_and(|(words, _)| words.contains(name));
        name == command || words.contains(name) || others.iter().any(is_there)
    }

    /// Checks the JSON of a command, and returns the names of its members.
    fn check(&self, command: &str, json: &str) -> BTreeSet<String> {
        let json = serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {json}"));
        let mut names = BTreeSet::new();
        members(&json, &mut names);
        for name in &names {
            assert!(self.has(command, name), "{name} is missing in the entry {command}");
        }
        names
    }

    /// The same for a run with this exit code, whose output has these members among others.
    fn check_run(&self, command: &str, run: &Run, code: i32, some: &[&str]) {
        assert_eq!(run.code, code, "{run:?}");
        let names = self.check(command, &run.out);
        for name in some {
            assert!(names.contains(*name), "{name}: {names:?}");
        }
    }
}

#[test]
fn every_member_of_the_json_is_in_the_manual() {
    let (rig, empty, manual) = (Rig::with_locked(), Rig::empty(), Manual::read());
    rig.use_steps("touched", 0);
    let verify = ["verify", "alice", "--profile", "work", "--session-stdin", "--json"];
    manual.check_run("list", &empty.run(&["list", "--json"]), 1, &["problem"]);
    for (command, run, some) in [
        ("tokens", empty.run(&["tokens", "--json"]), &["problem", "advice"][..]),
        ("tokens", rig.run(&["tokens", "--json"]), &["attempts_left"]),
        ("list", rig.run(&["list", "--json"]), &["locked_tokens", "unusable_tokens", "touch_required"]),
        ("code", rig.run(&["code", "alice", "--next", "--json"]), &["next_code", "valid_until"]),
        ("code", rig.run(&["code", "--json"]), &["skipped", "unusable_tokens"]),
        ("verify", rig.run_with(&verify, &rig.user.session), &["clock_skew"]),
        ("status", rig.run(&["status", "--json"]), &["ok", "screen", "state_folder", "unusable"]),
        ("add", rig.run_with(&ADD, URI), &["added", "credential"]),
        ("rename", rig.run(&["rename", "bob", "Shop:bobby", "--json"]), &["old_name"]),
        ("remove", rig.run(&["remove", "bobby", "--yes", "--json"]), &["removed"]),
        ("lock", rig.run(&["lock", "--json"]), &["locked"]),
        ("guard show", rig.run(&["guard", "show", "--json"]), &["seed", "first"]),
        ("guard forget", rig.run(&["guard", "forget", "touched", "--yes", "--json"]), &["forgotten"]),
        (
            "unlock",
            rig.run_with(&["unlock", "33334444", "--password-stdin", "--json"], PASSWORD),
            &["unlocked"],
        ),
        (
            "password",
            rig.run_with(&["password", "11112222", "--password-stdin", "--json"], PASSWORD),
            &["password"],
        ),
    ] {
        manual.check_run(command, &run, 0, some);
    }
    manual.check_run("error", &rig.run(&["code", "nobody", "--json"]), 3, &["choices", "exit_status"]);
    manual.check_run("status", &empty.run(&["status", "--json"]), 1, &["advice"]);
}

#[test]
fn every_member_about_the_configuration_is_in_the_manual() {
    let (rig, manual) = (Rig::start(), Manual::read());
    let tool = |arguments: &[&str]| -> Run {
        let mut command = rig.tool();
        command.args(arguments).arg("--json").env("XDG_CONFIG_HOME", rig.file("config"));
        finish(command, "")
    };
    let [wrong, twice] = ["wrong.toml", "twice.toml"].map(|name| rig.file(name).display().to_string());
    fs::write(&wrong, "[pcsc]\nenable = true\n").unwrap();
    fs::write(&twice, "[profiles.w]\nregion = 'us-east-1'\nuser_pool_id = 'eu-central-1_A'\n").unwrap();
    let added = ["profile", "add", "home", "--region", "eu-central-1", "--account", "touched"];
    for (command, arguments, code, some) in [
        ("config check", &["config", "check", "--config", &wrong][..], 1, &["errors", "line"][..]),
        ("config check", &["config", "check", "--config", &twice], 0, &["warnings", "sentence"]),
        ("config show", &["config", "show"], 0, &["key", "value", "file"]),
        ("profile list", &["profile", "list"], 0, &["endpoint", "source"]),
        ("profile test", &["profile", "test", "work"], 0, &["check", "ok", "message"]),
        ("profile add", &added, 0, &["name", "file"]),
    ] {
        manual.check_run(command, &tool(arguments), code, some);
    }
}

#[test]
fn every_member_about_a_running_request_is_in_the_manual() {
    let (rig, manual) = (Rig::start(), Manual::read());
    let mut watching = Watching::start(&rig, &["--json"]);
    manual.check("watch", &watching.next());
    let mut code =
        rig.tool().args(["code", "touched"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    assert!(manual.check("watch", &watching.next()).contains("requester"));
    manual.check_run("cancel --list", &rig.run(&["cancel", "--list", "--json"]), 0, &["handle", "state"]);
    manual.check_run("cancel", &rig.run(&["cancel", "--json"]), 0, &["outcome", "refused"]);
    assert_eq!(code.wait().unwrap().code(), Some(1));
}
