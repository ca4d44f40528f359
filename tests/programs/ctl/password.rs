//! `password`.

use super::rig::{PASSWORD, Rig, finish, program};

#[test]
fn a_password_is_set_and_cleared() {
    let rig = Rig::start();
    let token = rig.run(&["tokens", "--json"]).json()["tokens"][0]["serial"].as_str().unwrap().to_owned();
    rig.run(&["password", &token]).failed(2, "--password-stdin");
    rig.run_with(&["password", &token, "--password-stdin"], "").failed(2, "was empty");
    let set = rig.run_with(&["password", &token, "--password-stdin"], "secret 77aa\n");
    assert_eq!((set.code, set.out.as_str()), (0, ""), "{set:?}");
    assert!(set.err.contains("is set"), "{}", set.err);
    assert!(!set.err.contains("77aa") && !rig.log().contains("77aa"));
    assert_eq!(rig.run(&["lock"]).code, 0);
    rig.run_with(&["unlock", &token, "--password-stdin"], "other\n").failed(5, "refused this password");
    assert_eq!(rig.run_with(&["unlock", &token, "--password-stdin"], "secret 77aa\n").code, 0);

    rig.run(&["password", &token, "--clear"]).failed(2, "--yes");
    let cleared = rig.run(&["password", &token, "--clear", "--yes", "--json"]).json();
    assert_eq!(cleared["password"], "cleared");
    assert_eq!(rig.run(&["lock"]).code, 0);
    assert_eq!(rig.run(&["code", "alice", "--token", &token]).code, 0);
}

#[test]
fn a_locked_token_wants_its_current_password() {
    let rig = Rig::with_locked();
    let new = ["password", "33334444", "--password-stdin"];
    rig.run_with(&new, "new\n").failed(5, "is locked");
    std::fs::write(rig.file("current"), PASSWORD).unwrap();
    let mut shell = rig.command("sh");
    shell.args(["-c", "exec \"$0\" password 33334444 --password-stdin --current-password-fd 7 7<\"$1\""]);
    shell.arg(program()).arg(rig.file("current"));
    let set = finish(shell, "new\n");
    assert_eq!(set.code, 0, "{set:?}");
    assert_eq!(rig.run(&["code", "alice", "--token", "33334444"]).code, 0, "it stays unlocked");
    assert_eq!(rig.run(&["lock"]).code, 0);
    assert_eq!(rig.run_with(&["unlock", "33334444", "--password-stdin"], "new").code, 0);
}

#[test]
fn the_table_of_tokens_has_their_room() {
    let rig = Rig::start();
    let tokens = rig.run(&["tokens"]);
    assert!(tokens.out.contains("CREDENTIALS") && tokens.out.contains(" of 32"), "{}", tokens.out);
}
