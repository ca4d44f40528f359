//! `oathbridgectl` shows every error of the daemon in the words of its user: with its own options, and without D-Bus.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::messages::flow_errors;
use clap::CommandFactory;
use oathbridge::access::Allowed;
use oathbridge::cognito::{ErrorKind, Region};
use oathbridge::ctl::{Arguments, Asked, Details, Failure, Task};
use oathbridge::dbus::{Error, names};
use oathbridge::flows;
use oathbridge::operations::Cancellation;
use testkit::foreign;

/// The D-Bus options that cause errors and that `oathbridgectl` never passes. It does not receive these errors.
const NEVER_PASSED: [&str; 4] = ["handle-token", "interactive", "same-seed-as", "secret-hash"];

/// The start of the error for an unknown option, which only a daemon of another version sends to `oathbridgectl`.
const UNKNOWN_OPTION: &str = "There is no option ";

/// The limit of submissions.
const PER_MINUTE: Allowed = Allowed { count: 10, time: "minute", what: "calls of this kind" };

/// The starts of sentences about calls that `oathbridgectl` never makes.
const NEVER_CALLED: [&str; 8] = [
    "A removed credential cannot",
    "Calculate takes one argument",
    "Only the connection that made",
    "The operation has not ended",
    "The program that made the request",
    "This method takes",
    "VerifySoftwareToken requires",
    "Without its new password",
];

/// The option in place of a placeholder in a sentence of the source.
const EXAMPLE: &str = "client-id";

#[test]
fn every_error_is_shown_in_the_words_of_the_user() {
    let (dbus, own) = (dbus_options(), own_options());
    assert!(dbus.contains("advance-counter") && own.contains("advance-counter"), "{dbus:?} {own:?}");
    let mut rewritten = 0;
    for error in errors().into_iter().filter(is_received) {
        for (asked, details) in [(Asked::default(), Details::default()), everything()] {
            let shown = Failure::of_error(&error.full_name(), error.sentence(), &asked, &details).text();
            assert_eq!(foreign::word_in(&shown), None, "{shown}");
            for option in &dbus {
                assert!(!mentions(&shown, option), "{option} is an option of D-Bus: {shown}");
            }
            for option in options_in(&shown) {
                assert!(own.contains(option), "--{option} is not an option of oathbridgectl: {shown}");
            }
            rewritten += usize::from(!shown.contains(error.sentence()));
        }
    }
    assert!(rewritten > 40, "only {rewritten} sentences were rewritten");
}

/// The tool reads these parts from the sentences of the daemon, so a sentence with other words must not lose them.
#[test]
fn parts_of_the_daemon_s_sentences_are_shown() {
    let (mut asked, details) = (everything().0, Details::default());
    let shown = |error: &Error, asked: &Asked| {
        Failure::of_error(&error.full_name(), error.sentence(), asked, &details).text()
    };
    let often = shown(&Error::too_often(Duration::from_secs(6), PER_MINUTE), &asked);
    assert!(often.ends_with("(10 a minute are allowed); try again in 6 s."), "{often}");
    let several = shown(&flows::Error::Ambiguous(3).into(), &asked);
    assert!(several.contains("3 credentials fit profile \"wrk\""), "{several}");
    let device = shown(&flows::Error::OtherDevice.into(), &asked);
    assert!(device.contains("the device name that Cognito sent"), "{device}");
    let wanted = "account \"bob\"".to_owned();
    for locked in [false, true] {
        let none = shown(&flows::Error::NoMatch { locked, wanted: wanted.clone() }.into(), &asked);
        assert!(none.contains("credential of profile \"wrk\" (account \"bob\")"), "{none}");
    }
    asked.profile = None;
    let records: Vec<_> =
        errors().into_iter().filter(|error| error.full_name().ends_with(".StateUnavailable")).collect();
    assert!(records.len() > 1);
    for record in records {
        let text = shown(&record, &asked);
        let reason = record.sentence().contains('(');
        assert!(text.contains("guard.json") && reason == text.contains("guard.json ("), "{text}");
    }
}

/// The names of the contract are all walked, so that a new one needs a sentence here too.
#[test]
fn every_name_of_the_contract_is_walked() {
    let document = fs::read_to_string(root().join("docs/dbus-api.md")).unwrap();
    let walked: BTreeSet<_> = errors().iter().map(Error::full_name).collect();
    let errors = document.split("\n## Errors").nth(1).unwrap().split("\n## ").next().unwrap();
    let items = errors.lines().filter_map(|line| line.strip_prefix("* `")?.split_once("`: "));
    let contract: Vec<_> = items.map(|(name, _)| name).collect();
    assert!(contract.len() > 50, "{contract:?}");
    for name in contract {
        let is_it = |full: &String| full == name || *full == format!("{}{name}", names::ERROR);
        assert!(walked.iter().any(is_it), "{name}");
    }
}

/// What the user may have typed, and all details of a result.
fn everything() -> (Asked, Details) {
    let asked = Asked {
        task: Task::Submit,
        account: Some("alice".to_owned()),
        profile: Some("wrk".to_owned()),
        profiles: vec!["work".to_owned()],
        timeout: Some(90),
    };
    let details = Details {
        aws_code: Some("NotAuthorizedException".to_owned()),
        request_id: Some("7b0b7a3e-6f1c-4b7e-9c55-0f1f4c0a9c11".to_owned()),
        retry_at: Some(1_800_000_030),
    };
    (asked, details)
}

/// The errors of the tables, and those of arguments in the source.
fn errors() -> Vec<Error> {
    let tables = flow_errors().into_iter().map(|(error, _)| Error::from(error));
    let others = [
        Error::busy(),
        Error::config("config.toml line 1: unknown key \"a\" in [pcsc]"),
        Error::no_config("config.toml line 1: unknown key \"a\" in [pcsc]"),
        Error::handle_in_use(),
        Error::internal(),
        Error::no_client_secret("work"),
        Error::no_object(),
        Error::no_profile("work", &[]),
        Error::not_over(),
        Error::not_the_requester(),
        Error::other_user(),
        Error::forbidden_destination("the user pool of this access token"),
        Error::screen_locked(),
        Error::screen_unknown(),
        Error::lock_requested(),
        Error::too_long(),
        Error::too_many_calls(),
        Error::too_often(Duration::from_secs(6), PER_MINUTE),
        Cancellation::Caller.into(),
        Cancellation::ScreenLocked.into(),
        Cancellation::ScreenUnknown.into(),
        Cancellation::LockRequested.into(),
        Cancellation::Suspend.into(),
        flows::Error::Forbidden.into(),
        Error::wrong_clock(-95.0),
        Error::from(ErrorKind::NotAuthorized).of_other_region(regions()),
    ];
    let arguments = literals().into_iter().map(|text| {
        if text.starts_with(char::is_uppercase) {
            Error::invalid(text.trim_end_matches('.'))
        } else {
            flows::Error::InvalidArgument(text).into()
        }
    });
    tables.chain(others).chain(arguments).collect()
}

fn regions() -> Option<(Region, Region)> {
    Region::parse("us-east-1").ok().zip(Region::parse("eu-central-1").ok())
}

/// Whether `oathbridgectl` may receive the error.
fn is_received(error: &Error) -> bool {
    let sentence = error.sentence();
    !sentence.starts_with(UNKNOWN_OPTION)
        && !NEVER_CALLED.iter().any(|start| sentence.starts_with(start))
        && !NEVER_PASSED.iter().any(|option| mentions(sentence, option))
}

/// Whether a sentence contains the name of a D-Bus option: a name with a hyphen anywhere, another name after "option".
fn mentions(sentence: &str, option: &str) -> bool {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
    sentence.match_indices(option).any(|(place, _)| {
        let (before, after) = (&sentence[..place], &sentence[place + option.len()..]);
        let is_word = !before.ends_with(is_part) && !after.starts_with(is_part);
        is_word && (option.contains('-') || before.ends_with("option ") || before.ends_with("options "))
    })
}

/// The names after `--` in a sentence.
fn options_in(sentence: &str) -> impl Iterator<Item = &str> {
    let names = sentence.split("--").skip(1);
    let end = |text: &str| text.find(|letter: char| !letter.is_ascii_lowercase() && letter != '-');
    // `--user` is an option of systemctl and journalctl.
    names.map(move |text| &text[..end(text).unwrap_or(text.len())]).filter(|name| *name != "user")
}

/// The D-Bus options in the documentation, which another test compares with the daemon.
fn dbus_options() -> BTreeSet<String> {
    let document = fs::read_to_string(root().join("docs/dbus-api.md")).unwrap();
    let items = document.lines().filter_map(|line| line.strip_prefix("* `")?.split_once("` ("));
    items.map(|(name, _)| name.to_owned()).filter(|name| name.bytes().all(is_option_letter)).collect()
}

fn is_option_letter(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte == b'-'
}

/// The long options of all subcommands.
fn own_options() -> BTreeSet<String> {
    let command = Arguments::command();
    let arguments = command.get_subcommands().flat_map(clap::Command::get_arguments);
    arguments.filter_map(|argument| argument.get_long().map(str::to_owned)).collect()
}

/// The texts in the source of the D-Bus interface and the flows, with an example in place of each placeholder.
fn literals() -> Vec<String> {
    let mut files = Vec::new();
    for folder in ["src/dbus", "src/flows"] {
        collect(&root().join(folder), &mut files);
    }
    let sources = files.iter().map(|file| fs::read_to_string(file).unwrap());
    let texts = sources.flat_map(|source| texts(&source));
    texts.filter(|text| text.contains("option ") || text.contains("options ")).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => collect(&path, files),
            false => files.push(path),
        }
    }
}

/// The string literals of a source without its comments.
fn texts(source: &str) -> Vec<String> {
    let code = source.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code = code.collect::<Vec<_>>().join("\n").replace("\\\"", "'");
    code.split('"').skip(1).step_by(2).map(with_examples).collect()
}

fn with_examples(text: &str) -> String {
    let mut parts = text.split('{');
    let mut example = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let placeholder = if example.ends_with("option ") { EXAMPLE } else { "Something" };
        example.push_str(placeholder);
        example.push_str(part.split_once('}').map_or(part, |(_, rest)| rest));
    }
    example
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
