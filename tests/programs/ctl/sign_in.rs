//! `sign-in`, with a script in place of the AWS CLI.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use serde_json::Value;
use testkit::programs::script;

use super::rig::{Rig, Run, finish, program};
use super::terminal::{rest, terminal, until};

/// Sends what the AWS CLI would send, and checks that no secret is an argument.
const AWS: &str = r#"#!/usr/bin/env python3
import json, os, sys, urllib.request

service, action, *options = sys.argv[1:]
values = dict(zip(options, options[1:]))
given = json.load(open(values["--cli-input-json"].removeprefix("file://")))
assert "--no-sign-request" in options and values["--region"] == "eu-central-1", options
for number in os.listdir("/proc/self/fd"):
    link = f"/proc/self/fd/{number}"
    assert not os.path.exists(link) or not os.readlink(link).endswith(("/password", "/secret")), "a descriptor"
for secret in list(given.get("AuthParameters", {}).values()) + list(given.get("Logins", {}).values()):
    assert secret not in sys.argv, "a secret is an argument"
if service == "cognito-idp":
    target = "AWSCognitoIdentityProviderService." + "".join(part.title() for part in action.split("-"))
    headers = {"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.1"}
    request = urllib.request.Request(values["--endpoint-url"], json.dumps(given).encode(), headers)
    try:
        print(urllib.request.urlopen(request).read().decode())
    except urllib.error.HTTPError as error:
        print("aws: " + json.load(error)["message"], file=sys.stderr)
        sys.exit(254)
else:
    login, = given["Logins"].items()
    assert login[0] == "cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEfGhI", login
    assert login[1].count(".") == 2, "no ID token"
    print(json.dumps({
        "get-id": {"IdentityId": "eu-central-1:identity"},
        "get-credentials-for-identity": {
            "IdentityId": given.get("IdentityId"),
            "Credentials": {
                "AccessKeyId": "ASIAEXAMPLE", "SecretKey": "secret", "SessionToken": "session",
                "Expiration": "2030-01-01T00:00:00+00:00",
            },
        },
    }[action]))
"#;

/// A rig whose only profile is that of README, and whose user has enrolled.
fn rig() -> Rig {
    enrolled(Rig::of_readme())
}

fn enrolled(rig: Rig) -> Rig {
    rig.cognito.challenge("alice@example.com", None, false).unwrap();
    let script = rig.file("scripts/aws");
    fs::create_dir_all(script.parent().unwrap()).unwrap();
    fs::write(&script, AWS).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    rig
}

fn with_aws<'a>(rig: &Rig, command: &'a mut Command) -> &'a mut Command {
    let tool = program();
    let path = std::env::var("PATH").unwrap();
    let scripts = rig.file("scripts");
    command.env("PATH", format!("{}:{}:{path}", scripts.display(), tool.parent().unwrap().display()))
}

fn sign_in(rig: &Rig, arguments: &[&str], password: &str) -> Run {
    let mut command = rig.tool();
    command.args(["sign-in", "--profile", "work", "--password-stdin"]).args(arguments);
    with_aws(rig, &mut command);
    finish(command, password)
}

#[test]
fn a_sign_in_prints_tokens_or_credentials_of_an_identity_pool() {
    let rig = rig();
    let password = format!("{}\n", rig.user.password);
    let user = ["--username", "alice@example.com"];
    let run = sign_in(&rig, &user, &password);
    assert_eq!(run.code, 0, "{run:?}");
    let reply: Value = serde_json::from_str(&run.out).unwrap();
    assert!(reply["AuthenticationResult"]["AccessToken"].is_string());
    assert!(!run.err.contains(password.trim_end()) && !rig.log().contains(password.trim_end()));

    let refused = sign_in(&rig, &user, "not the password");
    assert_eq!((refused.code, refused.out.as_str()), (8, ""), "{refused:?}");
    assert!(refused.err.contains("aws: Incorrect username or password."), "{refused:?}");
    sign_in(&rig, &[], &password).failed(2, "add --username NAME");
    // Nothing is sent for a credential that is not there.
    let sent = rig.cognito.log().len();
    let unknown = [&user[..], &["alcie"]].concat();
    sign_in(&rig, &unknown, &password).failed(3, "alcie");
    assert_eq!(rig.cognito.log().len(), sent);
    // The service was not reached.
    fs::write(rig.file("scripts/aws"), "#!/bin/sh\necho 'Could not connect' >&2; exit 255\n").unwrap();
    let unreached = sign_in(&rig, &user, &password);
    assert_eq!((unreached.code, unreached.out.as_str()), (1, ""), "{unreached:?}");
    assert!(unreached.err.contains("aws cognito-idp initiate-auth failed"), "{unreached:?}");
    let mut without = rig.tool();
    without.args(["sign-in", "--profile", "work", "--password-stdin"]).args(user).env("PATH", "/nonexistent");
    finish(without, &password).failed(1, "install the AWS CLI");
    rig.run(&["sign-in", "--profile", "wrk"]).failed(3, "did you mean \"work\"?");
    let mut own = rig.tool();
    own.args(["sign-in", "--profile", "work", "--password-stdin"]).args(user).env("OATHBRIDGE_SIGN_IN", "1");
    finish(own, &password).failed(1, "leave out credential_process");
}

const SECRET: &str = "abcdefghijklmnopqrstuvwx";

/// An app client with a secret, whose proof is required for the password and for the code.
#[test]
fn an_app_client_with_a_secret_gives_its_proof() {
    let rig = rig();
    rig.cognito.set_client_secret(SECRET);
    let user = ["--username", "alice@example.com"];
    let refused = sign_in(&rig, &user, &rig.user.password);
    assert_eq!(refused.code, 8, "{refused:?}");
    fs::write(rig.file("secret"), format!("{SECRET}\n")).unwrap();
    fs::write(rig.file("password"), format!("{}\n", rig.user.password)).unwrap();
    // Numbers of one digit and of two.
    let line = "exec \"$0\" sign-in --profile work --username alice@example.com --password-fd 9 \
                --client-secret-fd 12 9<password 12<secret";
    let mut shell = rig.command("bash");
    with_aws(&rig, &mut shell).args(["-c", line]).arg(program()).current_dir(rig.file(""));
    let run = finish(shell, "");
    assert_eq!(run.code, 0, "{run:?}");
    let reply: Value = serde_json::from_str(&run.out).unwrap();
    assert!(reply["AuthenticationResult"]["AccessToken"].is_string(), "{run:?}");
    assert!(!rig.log().contains(SECRET) && !run.err.contains(SECRET));
}

#[test]
fn a_descriptor_is_for_one_secret() {
    let rig = Rig::without_daemon();
    let line = "exec \"$0\" sign-in --profile work --username alice --password-fd 3 --client-secret-fd 3 3</dev/null";
    let mut shell = rig.command("bash");
    shell.args(["-c", line]).arg(program());
    finish(shell, "").failed(2, "Two options name the same descriptor; ");
}

/// The tool reads the credential of the daemon's unit, whose name is in the configuration of both.
#[test]
fn the_secret_of_the_profile_signs_in() {
    let rig = enrolled(Rig::of_readme_with_secret("work-client-secret", &format!("{SECRET}\n")));
    rig.cognito.set_client_secret(SECRET);
    let run = sign_in(&rig, &["--username", "alice@example.com"], &rig.user.password);
    assert_eq!(run.code, 0, "{run:?}");
    let reply: Value = serde_json::from_str(&run.out).unwrap();
    assert!(reply["AuthenticationResult"]["AccessToken"].is_string(), "{run:?}");
}

/// A sign-in with the client secret of this file.
fn sign_in_with(rig: &Rig, file: &str) -> Run {
    let line = format!(
        "exec \"$0\" sign-in --profile work --username alice@example.com --password-stdin --client-secret-fd 5 5<{file}"
    );
    let mut shell = rig.command("bash");
    with_aws(rig, &mut shell).args(["-c", &line]).arg(program()).current_dir(rig.file(""));
    finish(shell, &rig.user.password)
}

/// Without the secret, or with another text, Cognito would only say that a user name or a password is wrong.
#[test]
fn no_password_is_sent_without_the_secret_that_the_profile_names() {
    let rig = enrolled(Rig::of_readme_with_secret("work-client-secret", SECRET));
    let credential = rig.stage.runtime().join("credentials/oathbridge.service/work-client-secret");
    let sent = rig.cognito.log().len();
    let refused = |code, words: &str| {
        sign_in(&rig, &["--username", "alice@example.com"], &rig.user.password).failed(code, words);
        assert_eq!(rig.cognito.log().len(), sent);
    };
    let given = |file: &str, code, words: &str| {
        sign_in_with(&rig, file).failed(code, words);
        assert_eq!(rig.cognito.log().len(), sent);
    };
    fs::write(&credential, "-----BEGIN PRIVATE KEY-----\n").unwrap();
    refused(1, "is not the secret of an app client (24 to 64 letters");
    fs::remove_file(&credential).unwrap();
    refused(1, "There is no credential work-client-secret, ");
    let file = rig.file("config/oathbridge/config.toml");
    let text = fs::read_to_string(&file).unwrap();
    // The daemon does not read it again.
    fs::write(&file, text.replace("[profiles.work]", "[profiles.renamed]")).unwrap();
    refused(1, "Profile \"work\" of the daemon is not in the files that this command reads; ");
    fs::write(&file, text.replace("\"client1\"", "\"client2\"")).unwrap();
    refused(1, "Profile \"work\" was changed after the daemon read it; ");
    // The password would go to the client and the pool of the daemon as well.
    fs::write(rig.file("given"), SECRET).unwrap();
    given("given", 1, "Profile \"work\" was changed after the daemon read it; ");
    fs::write(&file, format!("{text}[nonsense]\n")).unwrap();
    refused(1, "Correct the configuration: ");

    fs::write(rig.file("secret"), "").unwrap();
    fs::write(rig.file("other"), "-----BEGIN PRIVATE KEY-----\n").unwrap();
    given("secret", 2, "Descriptor 5 was empty");
    given("other", 2, "24 to 64 letters");
    assert_eq!(rig.cognito.log().len(), sent);
}

/// The daemon would answer the challenge with the secret of the other credential. A given secret is for the daemon as well.
#[test]
fn no_password_is_sent_with_the_secret_of_another_credential_than_that_of_the_daemon() {
    let rig = enrolled(Rig::of_readme_with_secret("work-client-secret", SECRET));
    rig.cognito.set_client_secret(SECRET);
    let folder = rig.stage.runtime().join("credentials/oathbridge.service");
    fs::write(folder.join("another-secret"), SECRET).unwrap();
    let file = rig.file("config/oathbridge/config.toml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("'work-client-secret'", "'another-secret'")).unwrap();
    let sent = rig.cognito.log().len();
    sign_in(&rig, &["--username", "alice@example.com"], &rig.user.password)
        .failed(1, "Profile \"work\" was changed after the daemon read it; ");
    assert_eq!(rig.cognito.log().len(), sent);
    fs::write(rig.file("given"), SECRET).unwrap();
    let run = sign_in_with(&rig, "given");
    assert_eq!(run.code, 0, "{run:?}");
}

#[test]
fn an_identity_pool_gives_credentials_for_a_process() {
    let rig = rig();
    let pool = "eu-central-1:00000000-0000-0000-0000-000000000000";
    let run =
        sign_in(&rig, &["--username", "alice@example.com", "--identity-pool", pool], &rig.user.password);
    assert_eq!(run.code, 0, "{run:?}");
    let reply: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!((&reply["Version"], &reply["AccessKeyId"]), (&1.into(), &"ASIAEXAMPLE".into()));
    assert_eq!((&reply["SecretAccessKey"], &reply["SessionToken"]), (&"secret".into(), &"session".into()));
}

/// The line of README, as the AWS CLI runs it.
#[test]
fn the_credential_process_of_readme_works() {
    let rig = rig();
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let line = readme.lines().find_map(|line| line.strip_prefix("credential_process = ")).unwrap();
    let print = format!("#!/bin/sh\nprintf '%s\\n' '{}'\n", rig.user.password);
    script(rig.file("scripts/get-password"), &print).unwrap();
    let mut shell = rig.command("sh");
    with_aws(&rig, &mut shell).args(["-c", line]);
    let run = finish(shell, "");
    assert_eq!(run.code, 0, "{run:?}");
    let reply: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!((&reply["Version"], &reply["AccessKeyId"]), (&1.into(), &"ASIAEXAMPLE".into()));
}

/// The lines of README after the words "daily sign-in", as a user copies them.
#[test]
fn the_daily_sign_in_of_readme_works() {
    let rig = rig();
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let lines = readme.split_once("For the daily sign-in").unwrap().1.split_once("```sh\n").unwrap().1;
    let lines = lines.split_once("```").unwrap().0;
    assert!(lines.contains("oathbridgectl sign-in"), "{lines}");
    let (mut person, user) = terminal();
    let mut shell = rig.command("sh");
    with_aws(&rig, &mut shell).args(["-ec", lines]).current_dir(rig.file("")).env("TERM", "xterm");
    let user_too: File = user.try_clone().unwrap();
    let mut child = shell.stdin(user_too).stdout(Stdio::null()).stderr(user).spawn().unwrap();
    drop(shell);
    until(&mut person, "Password (not shown): ");
    person.write_all(format!("{}\n", rig.user.password).as_bytes()).unwrap();
    let shown = rest(&mut person);
    assert!(child.wait().unwrap().success(), "{shown}");
    let tokens: Value = serde_json::from_str(&fs::read_to_string(rig.file("tokens.json")).unwrap()).unwrap();
    assert!(tokens["AuthenticationResult"]["IdToken"].is_string());
}
