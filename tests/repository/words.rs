//! The words of the tool for what the daemon's properties say, its help, and its failures without a daemon.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::collections::BTreeSet;
use std::io;

use clap::CommandFactory;
use oathbridge::ctl::{Arguments, Asked, Details, Failure, exit, words};
use oathbridge::operations::{Kind, State};
use testkit::foreign;

use crate::messages::{assert_helpful, token_errors};

/// The reasons for which a token may not be readable, each with a sentence of its own. A token that was removed has no
/// reason, a stuck one has a state of its own, and a reason of a transport has the sentence of the daemon.
const REASONS: [&str; 7] = [
    "Malformed",
    "NfcRestricted",
    "NoSuchCredential",
    "PinBlocked",
    "TokenBusy",
    "TokenLocked",
    "Unsupported",
];

const STATES: [State; 11] = [
    State::Queued,
    State::WaitingConsent,
    State::WaitingToken,
    State::WaitingUnlock,
    State::WaitingTouch,
    State::WaitingStep,
    State::Calculating,
    State::Submitting,
    State::Done,
    State::Failed,
    State::Cancelled,
];

const KINDS: [Kind; 8] = [
    Kind::Calculate,
    Kind::VerifySoftwareToken,
    Kind::RespondToMfaChallenge,
    Kind::Unlock,
    Kind::SetPassword,
    Kind::AddCredential,
    Kind::Remove,
    Kind::Rename,
];

/// The place in [`STATES`] and [`KINDS`]; the compiler demands a new one.
fn place(state: State) -> usize {
    match state {
        State::Queued => 0,
        State::WaitingConsent => 1,
        State::WaitingToken => 2,
        State::WaitingUnlock => 3,
        State::WaitingTouch => 4,
        State::WaitingStep => 5,
        State::Calculating => 6,
        State::Submitting => 7,
        State::Done => 8,
        State::Failed => 9,
        State::Cancelled => 10,
    }
}

fn place_of_kind(kind: Kind) -> usize {
    match kind {
        Kind::Calculate => 0,
        Kind::VerifySoftwareToken => 1,
        Kind::RespondToMfaChallenge => 2,
        Kind::Unlock => 3,
        Kind::SetPassword => 4,
        Kind::AddCredential => 5,
        Kind::Remove => 6,
        Kind::Rename => 7,
    }
}

#[test]
fn every_request_and_state_has_a_word_of_the_user() {
    for (number, kind) in KINDS.into_iter().enumerate() {
        assert_eq!(place_of_kind(kind), number);
        let word = words::request(&kind.to_string());
        assert!(word != words::request("Unheard") && foreign::word_in(word).is_none(), "{kind}: {word}");
        let about = words::request_about(&kind.to_string(), Some("alice"));
        assert!(about.starts_with(word) && about.ends_with(" alice") && about != word, "{about}");
    }
    for (number, state) in STATES.into_iter().enumerate() {
        assert_eq!(place(state), number);
        let word = words::state(&state.to_string());
        assert!(word != words::state("unheard") && foreign::word_in(word).is_none(), "{state}: {word}");
    }
}

#[test]
fn every_reason_of_an_unusable_token_is_a_sentence() {
    let names: BTreeSet<_> = token_errors().into_iter().map(|(_, name)| name).collect();
    let other = words::unread("YubiKey 5 …2222", "Unheard");
    for name in &names {
        let sentence = words::unread("YubiKey 5 …2222", name);
        assert_helpful(&sentence);
        assert_eq!(foreign::word_in(&sentence), None, "{sentence}");
        assert_eq!(sentence != other, REASONS.contains(name), "{sentence}");
    }
    for reason in REASONS {
        assert!(names.contains(reason), "{reason}");
    }
}

#[test]
fn the_help_has_only_words_of_the_user() {
    let mut command = Arguments::command();
    command.build();
    let mut commands = vec![command];
    let mut walked = 0;
    while let Some(mut command) = commands.pop() {
        let help = command.render_long_help().to_string();
        // JSON has objects, too.
        let help = help.replace("object per line", "").replace("JSON object", "");
        assert_eq!(foreign::word_in(&help), None, "{help}");
        commands.extend(command.get_subcommands().cloned());
        walked += 1;
    }
    assert!(walked > 15, "{walked}");
}

/// Errors from the bus or systemd that mean that the daemon is not reachable, for a reason that the status has.
const WITH_STATUS: [&str; 7] = [
    "org.freedesktop.DBus.Error.ServiceUnknown",
    "org.freedesktop.DBus.Error.NameHasNoOwner",
    "org.freedesktop.DBus.Error.NoReply",
    "org.freedesktop.DBus.Error.NoServer",
    "org.freedesktop.DBus.Error.Disconnected",
    "org.freedesktop.DBus.Error.TimedOut",
    "org.freedesktop.DBus.Error.Timeout",
];

/// The same for a reason that the status cannot know, with the daemon's or systemd's own sentence.
const WITHOUT_STATUS: [(&str, &str); 7] = [
    ("org.freedesktop.DBus.Error.AccessDenied", "It failed."),
    ("org.freedesktop.DBus.Error.AuthFailed", "It failed."),
    ("org.freedesktop.DBus.Error.Spawn.ChildExited", "It failed."),
    ("org.freedesktop.DBus.Error.Failed", "Unit oathbridge.service is masked."),
    ("org.freedesktop.systemd1.UnitMasked", "It failed."),
    ("org.freedesktop.systemd1.NoSuchUnit", "It failed."),
    ("org.freedesktop.systemd1.UnheardOf", "It failed."),
];

fn failure(name: &str, sentence: &str) -> Failure {
    Failure::of_error(name, sentence, &Asked::default(), &Details::default())
}

/// The status does not start the daemon, so it has no error of a start, and it finds a name that is there.
#[test]
fn a_failure_that_the_status_does_not_explain_has_its_own_step() {
    for (name, sentence) in WITHOUT_STATUS {
        let failure = failure(name, sentence);
        let text = failure.text();
        assert_eq!(failure.code, exit::UNREACHABLE, "{name}: {text}");
        assert!(!text.contains("status"), "{text}");
        assert_helpful(text.trim_start_matches("oathbridgectl: "));
        assert_eq!(foreign::word_in(&text), None, "{text}");
    }
    assert_eq!(failure("org.freedesktop.DBus.Error.Failed", "It failed.").code, exit::FAILED);
}

#[test]
fn every_other_failure_without_a_daemon_points_to_the_status() {
    let mut failures: Vec<_> = WITH_STATUS.into_iter().map(|name| failure(name, "It failed.")).collect();
    let lost = io::Error::from(io::ErrorKind::BrokenPipe);
    failures.push(zbus::Error::InputOutput(lost.into()).into());
    for failure in failures {
        let text = failure.text();
        assert_eq!(failure.code, exit::UNREACHABLE, "{text}");
        assert!(text.contains("`oathbridgectl status`"), "{text}");
        assert_helpful(text.trim_start_matches("oathbridgectl: "));
        assert_eq!(foreign::word_in(&text), None, "{text}");
    }
    let unknown = failure("com.example.Error", "");
    assert!(unknown.text().contains("`oathbridgectl status`"), "{}", unknown.text());
}
