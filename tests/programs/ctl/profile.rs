//! `profile list`, `profile add` and `profile test`.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::rig::Rig;

#[test]
fn profiles_are_listed_and_tested() {
    let rig = Rig::start();
    let plain = rig.run(&["profile", "list"]);
    let row: Vec<_> = plain.out.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(row, ["work", "eu-central-1", "AWS:alice"], "{plain:?}");
    let json = rig.run(&["profile", "list", "--json"]).json();
    assert_eq!(
        (&json["profiles"][0]["name"], &json["profiles"][0]["region"]),
        (&"work".into(), &"eu-central-1".into())
    );
}

#[test]
fn a_profile_is_added_tested_and_used() {
    let rig = Rig::start();
    let file = rig.file("config/oathbridge/config.toml");
    let tool = |arguments: &[&str]| {
        let mut command = rig.tool();
        command.args(arguments).env("XDG_CONFIG_HOME", rig.file("config"));
        super::rig::finish(command, "")
    };
    fs::write(&file, format!("# kept\n{}", fs::read_to_string(&file).unwrap())).unwrap();
    let values = ["--region", "eu-central-1", "--account", "touched"];
    let added = tool(&[&["profile", "add", "home"], &values[..]].concat());
    assert_eq!((added.code, added.out.as_str()), (0, ""), "{added:?}");
    assert!(added.err.contains("oathbridgectl profile test home"), "{}", added.err);
    let text = fs::read_to_string(&file).unwrap();
    assert!(
        text.starts_with("# kept\n")
            && text.contains("[profiles.home]\nregion = \"eu-central-1\"\naccount = \"touched\"\n"),
        "{text}"
    );
    // The daemon has read it already.
    let listed = tool(&["profile", "list", "--json"]).json();
    assert_eq!(listed["profiles"][0]["name"], "home");

    let again = tool(&[&["profile", "add", "home"], &values[..]].concat());
    again.failed(1, "already a profile \"home\"");
    tool(&["profile", "add", "mars", "--region", "mars", "--account", "a"])
        .failed(2, "Correct the configuration: ");
    tool(&["profile", "add", "other"]).failed(2, "--user-pool-id");
    assert_eq!(fs::read_to_string(&file).unwrap(), text);
}

#[test]
fn a_contradiction_is_told_and_a_file_that_others_can_write_stays() {
    let rig = Rig::start();
    let file = rig.file("config/oathbridge/config.toml");
    let add = |name: &str| {
        let mut command = rig.tool();
        command.args([
            "profile",
            "add",
            name,
            "--user-pool-id",
            "eu-central-1_AbCdEfGhI",
            "--region",
            "us-east-1",
        ]);
        command.env("XDG_CONFIG_HOME", rig.file("config"));
        super::rig::finish(command, "")
    };
    let added = add("home");
    assert_eq!(added.code, 0, "{added:?}");
    assert!(added.err.contains("In profile \"home\" \"region\" is not the region of"), "{added:?}");
    let text = fs::read_to_string(&file).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
    add("other").failed(1, "Nothing was written: correct ");
    assert_eq!(fs::read_to_string(&file).unwrap(), text);
}

#[test]
fn a_profile_is_tested_without_asking_cognito() {
    let rig = Rig::start();
    let tool = |arguments: &[&str]| {
        let mut command = rig.tool();
        command.args(arguments).env("XDG_CONFIG_HOME", rig.file("config"));
        super::rig::finish(command, "")
    };
    // The endpoint of the profile is on loopback, so its name needs no network.
    let tested = tool(&["profile", "test", "work", "--json"]).json();
    let checks = tested["checks"].as_array().unwrap();
    assert!(checks.len() == 3 && checks.iter().all(|check| check["ok"] == true), "{tested}");
    tool(&["profile", "test", "wrk"]).failed(3, "did you mean \"work\"?");
    tool(&[
        "profile",
        "add",
        "gone",
        "--region",
        "eu-central-1",
        "--endpoint-url",
        "https://cognito.invalid",
        "--account",
        "nobody",
    ]);
    let gone = tool(&["profile", "test", "gone"]);
    assert_eq!(gone.code, 1, "{gone:?}");
    assert!(gone.out.contains("No attached token has the credential"), "{}", gone.out);
    assert!(gone.out.contains("The name cognito.invalid cannot be resolved"), "{}", gone.out);
}
