//! `oathbridgectl` shows the errors of the daemon with its own options instead of those of D-Bus.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use clap::CommandFactory;
use oathbridge::ctl::{Arguments, Failure};
use oathbridge::dbus::Error;
use oathbridge::flows;
use zbus::message::Message;

use crate::messages::flow_errors;

/// The D-Bus options that cause errors and that `oathbridgectl` never passes. It does not receive these errors.
const NEVER_PASSED: [&str; 3] = ["handle-token", "interactive", "secret-hash"];

/// The start of the error for an unknown option, which only a daemon of another version sends to `oathbridgectl`.
const UNKNOWN_OPTION: &str = "There is no option ";

/// The option in place of a placeholder in a sentence of the source.
const EXAMPLE: &str = "client-id";

#[test]
fn no_error_shows_an_option_of_dbus() {
    let (dbus, own) = (dbus_options(), own_options());
    assert!(dbus.contains("advance-counter") && own.contains("advance-counter"), "{dbus:?} {own:?}");
    let mut rewritten = 0;
    for error in errors().into_iter().filter(is_received) {
        let shown = shown(&error);
        for option in &dbus {
            assert!(!mentions(&shown, option), "{option} is an option of D-Bus: {shown}");
        }
        for option in options_in(&shown) {
            assert!(own.contains(option), "--{option} is not an option of oathbridgectl: {shown}");
        }
        rewritten += usize::from(!shown.contains(error.sentence()));
    }
    assert!(rewritten > 10, "only {rewritten} sentences were rewritten");
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
        Error::too_long(),
        Error::wrong_clock(-95.0),
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

/// Whether `oathbridgectl` may receive the error.
fn is_received(error: &Error) -> bool {
    let sentence = error.sentence();
    !sentence.starts_with(UNKNOWN_OPTION) && !NEVER_PASSED.iter().any(|option| mentions(sentence, option))
}

/// The error as `oathbridgectl` prints it.
fn shown(error: &Error) -> String {
    let call = Message::method_call("/", "Call").build(&()).unwrap();
    let name = error.full_name().try_into().unwrap();
    Failure::from(zbus::Error::MethodError(name, Some(error.sentence().to_owned()), call)).text()
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
