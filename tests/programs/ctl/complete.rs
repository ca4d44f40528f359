//! The names that shells complete.

use super::rig::{Rig, finish, program};

#[test]
fn names_are_completed_only_from_a_daemon_that_runs() {
    let rig = Rig::with_locked();
    // A token is completed once it was read, and completions wait for nothing.
    assert_eq!(rig.run(&["list"]).code, 0);
    // A name with invisible characters is not what a person types.
    assert_eq!(rig.run(&["complete", "credentials"]).out, "AWS:alice\nAWS:touched\nVPN:dave\n");
    assert_eq!(rig.run(&["complete", "profiles"]).out, "work\n");
    assert_eq!(rig.run(&["complete", "tokens"]).out, "11112222\n33334444\n");
    let without = Rig::without_daemon();
    let none = without.run(&["complete", "credentials"]);
    assert_eq!((none.code, none.out.as_str(), none.err.as_str()), (0, "", ""));
    // Nor are these two a reason to start it.
    let list = without.run(&["cancel", "--list"]);
    assert_eq!((list.code, list.err.as_str()), (0, "No request is running.\n"));
    let lock = without.run(&["lock"]);
    assert!(lock.code == 0 && lock.err.starts_with("The daemon does not run, "), "{lock:?}");
    let mut no_bus = rig.tool();
    no_bus.args(["complete", "tokens"]).env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus");
    let none = finish(no_bus, "");
    assert_eq!((none.code, none.out.as_str(), none.err.as_str()), (0, "", ""));
}

/// Completes a line as bash does.
fn completed(rig: &Rig, line: &str) -> Vec<String> {
    let tool = program();
    let script = r#"
        source "$1"
        COMP_LINE="$2"; COMP_POINT=${#2}
        # As readline does: a colon is a word of its own.
        read -ra words <<< "${2//:/ : }"
        [[ "$2" == *[[:space:]:] ]] && words+=("")
        COMP_WORDS=("${words[@]}"); COMP_CWORD=$((${#words[@]} - 1))
        _oathbridgectl_with_names oathbridgectl "${words[COMP_CWORD]}" "${words[COMP_CWORD-1]}"
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    let mut bash = rig.command("bash");
    let path = format!("{}:/usr/bin:/bin", tool.parent().unwrap().display());
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/completions/oathbridgectl.bash");
    bash.env("PATH", path).args(["--norc", "-c", script, "bash", file, line]);
    finish(bash, "").out.lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_credentials_profiles_and_tokens() {
    let rig = Rig::start();
    assert_eq!(rig.run(&["list"]).code, 0);
    assert_eq!(completed(&rig, "oathbridgectl code AWS:a"), ["alice"]);
    assert_eq!(completed(&rig, "oathbridgectl code A"), ["AWS:alice", "AWS:touched"]);
    assert_eq!(completed(&rig, "oathbridgectl verify --profile w"), ["work"]);
    assert_eq!(completed(&rig, "oathbridgectl code AWS:alice --token "), ["11112222"]);
    assert_eq!(completed(&rig, "oathbridgectl lock 1"), ["11112222"]);
    assert_eq!(completed(&rig, "oathbridgectl cod"), ["code"]);
    assert_eq!(completed(&rig, "oathbridgectl code --copy V"), ["VPN:dave"]);
    assert_eq!(completed(&rig, "oathbridgectl verify --timeout 9 V"), ["VPN:dave"]);
    assert_eq!(completed(&rig, "oathbridgectl profile test w"), ["work"]);
    assert_eq!(completed(&rig, "oathbridgectl code VPN:dave <"), [""]);
    assert_eq!(completed(&rig, "oathbridgectl cancel "), [""]);
}

#[test]
fn bash_completes_a_name_with_a_space() {
    let rig = Rig::of_readme();
    assert_eq!(rig.run(&["list"]).code, 0);
    let escaped = r"AWS\ Cognito:alice@example.com";
    for (typed, expected) in [
        ("A", escaped),
        (r"AWS\ ", escaped),
        (r"AWS\ Cognito:", "alice@example.com"),
        (r"AWS\ Cognito:al", "alice@example.com"),
        ("\"AWS", "AWS Cognito:alice@example.com"),
        ("'AWS Cognito:a", "AWS Cognito:alice@example.com"),
    ] {
        assert_eq!(completed(&rig, &format!("oathbridgectl code {typed}")), [expected], "{typed}");
    }
}
