//! `unlock`.

use testkit::keyring::Keyring;

use super::rig::{PASSWORD, Rig, finish, program};

#[test]
fn the_default_is_the_only_locked_token_and_no_password_is_printed() {
    let rig = Rig::with_locked();
    rig.run(&["unlock"]).failed(2, "--password-stdin");
    rig.run(&["unlock", "--password-stdin"]).failed(2, "was empty");
    let wrong = rig.run_with(&["unlock", "--password-stdin"], "not this 77aa\n");
    wrong.failed(5, "refused this password");
    assert!(!wrong.err.contains("77aa"));
    rig.run(&["code", "alice2"]).failed(5, "is locked; unlock it with");

    let right = rig.run_with(&["unlock", "--password-stdin"], &format!("{PASSWORD}\n"));
    assert_eq!((right.code, right.out.as_str()), (0, ""), "{right:?}");
    assert!(!right.err.contains(PASSWORD) && !rig.log().contains(PASSWORD));
    rig.run(&["code", "alice"]).failed(4, "--token");
    assert_eq!(rig.run(&["code", "alice", "--token", "33334444"]).code, 0);
    rig.run(&["unlock"]).failed(3, "No token is locked");
}

#[test]
fn a_token_is_unlocked_by_serial_number_with_a_descriptor() {
    let rig = Rig::with_locked();
    std::fs::write(rig.file("password"), PASSWORD).unwrap();
    let mut shell = rig.command("sh");
    shell.args(["-c", "exec \"$0\" unlock 33334444 --json --password-fd 7 7<\"$1\""]);
    shell.arg(program()).arg(rig.file("password"));
    let json = finish(shell, "").json();
    assert_eq!(json["unlocked"], true);
    assert!(json["token"].as_str().unwrap().starts_with("ykoath_"));

    let again = rig.run(&["unlock", "33334444", "--json"]).json();
    assert_eq!(again["unlocked"], false);
    rig.run(&["unlock", "99"]).failed(3, "33334444".split_at(4).1);
    rig.run(&["unlock", "--password", PASSWORD]).failed(2, "can read arguments");
}

#[test]
fn a_descriptor_that_is_not_open_is_wrong_usage() {
    let rig = Rig::with_locked();
    rig.run(&["unlock", "--password-fd", "77"]).failed(2, "77<FILE");
    // The program's own descriptors have these numbers when it reads the password.
    for number in 3..=9 {
        let mut shell = rig.command("sh");
        let closed = "3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-";
        shell.args(["-c", &format!("exec \"$0\" unlock --password-fd {number} {closed}")]).arg(program());
        finish(shell, "").failed(2, &format!("{number}<FILE"));
    }
    rig.run(&["unlock", "--password-fd", "abc"]).failed(2, "\"abc\" is not the number of a descriptor");
}

#[test]
fn a_locked_token_forgets_its_password() {
    let rig = Rig::with_locked();
    assert_eq!(rig.run_with(&["unlock", "--password-stdin"], PASSWORD).code, 0);
    let one = rig.run(&["lock", "4444"]);
    assert_eq!((one.code, one.out.as_str()), (0, ""), "{one:?}");
    assert!(one.err.contains("forgotten the password") && one.err.contains("…4444"), "{}", one.err);
    rig.run(&["code", "alice", "--token", "4444"]).failed(5, "is locked");
    assert_eq!(rig.run_with(&["unlock", "--password-stdin", "--quiet"], PASSWORD).err, "");
    let all = rig.run(&["lock", "--json"]).json();
    assert_eq!(all["locked"].as_array().unwrap().len(), 2);
    rig.run(&["code", "alice", "--token", "4444"]).failed(5, "is locked");
    rig.run(&["lock", "99"]).failed(3, "33334444".split_at(4).1);
}

#[test]
fn a_pin_shows_what_it_protects_and_the_last_attempts_are_left_alone() {
    let rig = Rig::with_pin();
    let list = rig.run(&["list"]);
    assert!(list.err.contains("hides credentials behind a PIN; unlock it with"), "{list:?}");
    rig.run(&["code", "hidden"]).failed(5, "hides credentials behind a PIN");
    rig.run(&["unlock"]).failed(2, "ask for the PIN");
    for left in (3..8).rev() {
        let wrong = rig.run_with(&["unlock", "--password-stdin"], "not this 77aa\n");
        assert!(wrong.code == 5 && wrong.err.contains(&format!("after {left} more wrong")), "{wrong:?}");
        assert!(!wrong.err.contains("77aa"));
    }
    let low = rig.run_with(&["unlock", "--password-stdin"], PASSWORD);
    assert!(low.code == 5 && low.err.contains("unlock the token with --allow-last-attempts"), "{low:?}");
    let right = rig.run_with(&["unlock", "--password-stdin", "--allow-last-attempts"], PASSWORD);
    assert_eq!((right.code, right.out.as_str()), (0, ""), "{right:?}");
    assert!(!right.err.contains(PASSWORD) && !rig.log().contains(PASSWORD));
    assert_eq!(rig.run(&["code", "hidden"]).code, 0);
    rig.run(&["unlock"]).failed(3, "No token is locked");
    let tokens = rig.run(&["tokens", "--json"]).json();
    let token = tokens["tokens"].as_array().unwrap().iter().find(|token| token["model"] == "Nitrokey 3");
    assert_eq!((&token.unwrap()["pin_set"], &token.unwrap()["attempts_left"]), (&true.into(), &8.into()));
}

#[test]
fn a_token_without_a_password_that_refuses_everything_is_not_to_be_unlocked() {
    let rig = Rig::with_card();
    assert_eq!(rig.run(&["list"]).code, 0);
    rig.card().unwrap().want_password();
    rig.run(&["list", "--refresh"]);
    let why = "it refuses everything until a password is set on it; set one with `ykman oath access change` and run ";
    rig.run(&["code", "bob"]).failed(3, why);
    rig.run(&["unlock"]).failed(5, why);
    let tokens = rig.run(&["tokens", "--json"]).json();
    rig.run(&["unlock", tokens["tokens"][0]["id"].as_str().unwrap()]).failed(5, why);
}

/// The real GNOME Keyring, which the next daemon uses too.
#[test]
fn a_remembered_token_is_unlocked_by_the_next_daemon() {
    let mut rig = Rig::with_locked();
    let _keyring = rig.block_on(Keyring::start(rig.bus())).unwrap();
    let unlocked = rig.run_with(&["unlock", "--remember", "--password-stdin"], PASSWORD);
    assert!(unlocked.plain().err.contains("your keyring unlocks it from now on"), "{unlocked:?}");
    rig.kill_daemon();
    rig.start_daemon();
    assert_all_ready(&rig);
    assert!(!rig.log().contains(PASSWORD));
}

#[test]
fn without_a_keyring_the_token_is_unlocked_and_the_user_told() {
    let rig = Rig::with_locked();
    let run = rig.run_with(&["unlock", "--remember", "--password-stdin"], PASSWORD);
    run.failed(1, "The token is unlocked, but its key is not remembered");
    assert_all_ready(&rig);
}

#[test]
fn a_password_in_a_systemd_credential_unlocks_its_token() {
    let mut rig = Rig::with_locked();
    let tokens = rig.run(&["tokens", "--json"]).json();
    let mut tokens = tokens["tokens"].as_array().unwrap().iter();
    let locked = tokens.find(|token| token["state"] == "locked").unwrap();
    rig.set_credential(
        &format!("oath-password.{}", locked["id"].as_str().unwrap()),
        &format!("{PASSWORD}\n"),
    );
    rig.kill_daemon();
    rig.start_daemon();
    assert_all_ready(&rig);
}

#[track_caller]
fn assert_all_ready(rig: &Rig) {
    let tokens = rig.run(&["tokens", "--json"]).json();
    assert!(tokens["tokens"].as_array().unwrap().iter().all(|token| token["state"] == "ready"), "{tokens}");
}
