//! Every error that a user can see is one sentence that says what happened and what to do next.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what is wrong by panicking")]

use std::io;
use std::path::Path;
use std::time::Duration;

use oathbridge::cognito::{Cause, Defect, Delivered, ErrorKind, Refused};
use oathbridge::config::Config;
use oathbridge::dbus::Error;
use oathbridge::device::HidKind;
use oathbridge::flows;
use oathbridge::guard::Unavailable;
use oathbridge::registry::Missing;
use oathbridge::{cognito, daemon, keyring, state_file, token};

const OURS: &str = "io.github.oathbridge.OathBridge1.Error.";

/// Verbs of a next step. A sentence must contain one of them after its first word.
const STEPS: [&str; 39] = [
    "add", "allow", "ask", "call", "check", "choose", "close", "correct", "delete", "enrol", "free", "get",
    "install", "leave", "list", "log in", "look", "make", "move", "name", "pass", "plug", "put", "remove",
    "read", "repair", "run", "set", "settle", "sign in", "start", "stop", "try", "unlock", "unplug", "use",
    "wait", "write", "rename",
];

pub(crate) fn assert_helpful(sentence: &str) {
    let body = sentence.strip_suffix(['.', '?']).unwrap_or_else(|| panic!("no full stop: {sentence}"));
    assert!(!body.contains(". ") && !body.contains('\n'), "more than one sentence: {sentence}");
    assert!(!body.ends_with(['.', ';', ',', ':']), "no proper end: {sentence}");
    let first = body.chars().next().unwrap();
    assert!(first.is_uppercase() || !first.is_alphabetic(), "a lower-case start: {sentence}");
    let words = body.to_lowercase();
    let says_what_to_do = STEPS.iter().any(|step| {
        words.match_indices(step).any(|(place, _)| {
            let before = words.split_at(place).0.chars().next_back();
            let after = words.split_at(place + step.len()).1.chars().next();
            place > 0 && before == Some(' ') && after.is_none_or(|letter| !letter.is_alphabetic())
        })
    });
    assert!(says_what_to_do, "no next step: {sentence}");
}

pub(crate) fn token_errors() -> Vec<(token::Error, &'static str)> {
    use token::Error;
    vec![
        (Error::Removed, "TokenRemoved"),
        (Error::Busy, "TokenBusy"),
        (Error::Reading, "TokenBusy"),
        (Error::Stuck, "TokenStuck"),
        (Error::Locked, "TokenLocked"),
        (Error::PasswordUnset, "TokenLocked"),
        (Error::WrongPassword, "WrongPassword"),
        (Error::WrongPin(Some(1)), "WrongPassword"),
        (Error::WrongPin(Some(7)), "WrongPassword"),
        (Error::WrongPin(None), "WrongPassword"),
        (Error::AttemptsLow(1), "AttemptsLow"),
        (Error::AttemptsLow(3), "AttemptsLow"),
        (Error::PinBlocked, "PinBlocked"),
        (Error::Impostor, "Malformed"),
        (Error::NoSuchCredential, "NoSuchCredential"),
        (Error::AlreadyExists, "AlreadyExists"),
        (Error::NoSpace, "NoSpace"),
        (Error::UnusableName, "Unsupported"),
        (Error::MaybeChanged, "TokenRemoved"),
        (Error::TouchTimeout, "TouchTimeout"),
        (Error::ClockBehind, "ClockBehind"),
        (Error::SwitchedOff { vendor: "Yubico", is_contactless: false }, "Unsupported"),
        (Error::SwitchedOff { vendor: "Yubico", is_contactless: true }, "Unsupported"),
        (Error::SwitchedOff { vendor: "Nitrokey", is_contactless: false }, "Unsupported"),
        (Error::NfcRestricted, "NfcRestricted"),
        (Error::Unclear, "Malformed"),
        (Error::NotConfigured, "NoSuchCredential"),
        (Error::UsedAhead, "ClockBehind"),
        (Error::ListIncomplete, "Unsupported"),
        (Error::PinListIncomplete, "Unsupported"),
        (Error::Unsupported("it is a test"), "Unsupported"),
        (Error::Malformed("it is a test".to_owned()), "Malformed"),
        (Error::PcscUnavailable, "PcscUnavailable"),
        (Error::PcscDenied, "PcscDenied"),
        (Error::PcscFull, "PcscUnavailable"),
        (Error::PcscVersion, "PcscUnavailable"),
        (Error::HidDenied(HidKind::Keyboard), "HidDenied"),
        (Error::HidDenied(HidKind::NitrokeyPro), "HidDenied"),
        (Error::HidDenied(HidKind::Fido), "HidDenied"),
    ]
}

const COGNITO: [(ErrorKind, &str); 21] = [
    (ErrorKind::CodeMismatch, "Cognito.CodeMismatch"),
    (ErrorKind::CodeAlreadyUsed, "Cognito.CodeAlreadyUsed"),
    (ErrorKind::SessionExpired, "Cognito.SessionExpired"),
    (ErrorKind::SessionConsumed, "Cognito.SessionConsumed"),
    (ErrorKind::TokenExpired, "Cognito.TokenExpired"),
    (ErrorKind::ScopeMissing, "Cognito.ScopeMissing"),
    (ErrorKind::NotAuthorized, "Cognito.NotAuthorized"),
    (ErrorKind::LockedOut, "Cognito.LockedOut"),
    (ErrorKind::Throttled, "Cognito.Throttled"),
    (ErrorKind::ServiceUnavailable, "Cognito.ServiceUnavailable"),
    (ErrorKind::OutcomeUnknown, "Cognito.OutcomeUnknown"),
    (ErrorKind::NotEnrolled, "Cognito.NotEnrolled"),
    (ErrorKind::TotpNotEnabled, "Cognito.TotpNotEnabled"),
    (ErrorKind::AccountState, "Cognito.AccountState"),
    (ErrorKind::PoolError, "Cognito.PoolError"),
    (ErrorKind::Blocked, "Cognito.Blocked"),
    (ErrorKind::InvalidParameter, "Cognito.InvalidParameter"),
    (ErrorKind::Rejected, "Cognito.Rejected"),
    (ErrorKind::Network, "Network"),
    (ErrorKind::Tls, "Tls"),
    (ErrorKind::Config, "Config"),
];

const CAUSES: [Cause; 11] = [
    Cause::Name,
    Cause::Refused,
    Cause::Route,
    Cause::Timeout,
    Cause::Proxy,
    Cause::CertificateTime,
    Cause::CertificateName,
    Cause::CertificateIssuer,
    Cause::Handshake,
    Cause::Closed,
    Cause::Other,
];

fn lost(kind: ErrorKind) -> cognito::Error {
    cognito::Error { kind, delivered: Delivered::Unknown, aws_code: None, retry_after: None, cause: None }
}

pub(crate) fn flow_errors() -> Vec<(flows::Error, &'static str)> {
    use flows::Error;
    let damaged = Unavailable::Record(state_file::Error::Damaged);
    let mut all = vec![
        (Error::Missing(Missing::Token), "TokenRemoved"),
        (Error::Missing(Missing::Locked), "TokenLocked"),
        (Error::Missing(Missing::Stuck), "TokenStuck"),
        (Error::Missing(Missing::Busy), "TokenBusy"),
        (Error::Missing(Missing::Credential), "NoSuchCredential"),
        (Error::NoMatch { locked: false, wanted: "account \"alice\"".to_owned() }, "NoSuchCredential"),
        (Error::NoMatch { locked: true, wanted: String::new() }, "TokenLocked"),
        (Error::NoTouch, "AccessDenied"),
        (Error::Ambiguous(2), "Ambiguous"),
        (Error::Unnamed, "Ambiguous"),
        (Error::ChoiceUnknown(lost(ErrorKind::OutcomeUnknown)), "Cognito.OutcomeUnknown"),
        (Error::ChoiceUnknown(lost(ErrorKind::ServiceUnavailable)), "Cognito.ServiceUnavailable"),
        (Error::OtherDevice, "Ambiguous"),
        (Error::Unsupported("its codes have 8 digits".to_owned()), "Unsupported"),
        (Error::CounterNotConfirmed, "ConfirmationRequired"),
        (Error::TouchRequired, "TouchRequired"),
        (Error::StepSpent { opens: Duration::from_millis(1_800_000_030_001) }, "StepSpent"),
        (Error::StateUnavailable(damaged), "StateUnavailable"),
        (Error::StateUnavailable(Unavailable::NoRandomness), "StateUnavailable"),
        (Error::NotRemembered(keyring::Error::Absent), "NotRemembered"),
        (Error::NotRemembered(keyring::Error::Locked), "NotRemembered"),
        (Error::NotRemembered(keyring::Error::Refused("org.example.Failed".to_owned())), "NotRemembered"),
        (Error::Timeout, "Timeout"),
        (Error::RateLimited { wait: Duration::from_secs(60) }, "RateLimited"),
        (Error::Refused(Refused::ScopeMissing), "Cognito.ScopeMissing"),
        (Error::Refused(Refused::TokenExpired), "Cognito.TokenExpired"),
    ];
    all.extend(token_errors().into_iter().map(|(error, name)| (Error::Token(error), name)));
    all.extend(COGNITO.map(|(kind, name)| {
        let (delivered, aws_code, retry_after, cause) = (Delivered::Yes, None, None, None);
        (Error::Cognito(cognito::Error { kind, delivered, aws_code, retry_after, cause }), name)
    }));
    all.extend(CAUSES.map(|cause| {
        let (kind, name) =
            if cause.is_tls() { (ErrorKind::Tls, "Tls") } else { (ErrorKind::Network, "Network") };
        (Error::Cognito(cognito::Error { cause: Some(cause), ..lost(kind) }), name)
    }));
    all
}

#[test]
fn every_failure_of_a_flow_has_its_name_and_a_helpful_sentence() {
    for (error, name) in flow_errors() {
        let error = Error::from(error);
        assert_eq!(error.full_name(), format!("{OURS}{name}"));
        assert_helpful(error.sentence());
    }
}

#[test]
fn bad_arguments_have_the_standard_name() {
    let invalid = [
        flows::Error::InvalidArgument("next is for time-based credentials".to_owned()),
        flows::Error::Refused(Refused::WrongTokenUse),
        flows::Error::Refused(Refused::NotAToken(Defect::Parts)),
        flows::Error::Refused(Refused::NotAToken(Defect::Length)),
        flows::Error::Refused(Refused::NotAToken(Defect::Characters)),
        flows::Error::Refused(Refused::NotAToken(Defect::Claims)),
        flows::Error::Refused(Refused::SessionShape(Defect::Length)),
        flows::Error::Refused(Refused::SessionShape(Defect::Characters)),
    ];
    for error in invalid.map(Error::from) {
        assert_eq!(error.full_name(), "org.freedesktop.DBus.Error.InvalidArgs");
        assert_helpful(error.sentence());
    }
}

#[test]
fn a_spent_step_names_the_second_in_which_the_next_one_opens() {
    let error = Error::from(flows::Error::StepSpent { opens: Duration::from_secs(1_800_000_030) });
    assert!(error.sentence().contains("08:00:30 UTC (Unix time 1800000030)"), "{}", error.sentence());
}

#[test]
fn other_errors_on_the_bus_are_helpful_too() {
    assert_helpful(Error::internal().sentence());
    assert_helpful(Error::forbidden_destination("the user pool of this access token").sentence());
    assert_helpful(Error::wrong_clock(-95.2).sentence());
    assert_helpful(Error::no_profile("wrok", &["work"]).sentence());
    assert_helpful(Error::no_profile("work", &[]).sentence());
}

#[test]
fn errors_in_the_configuration_name_the_line_and_the_next_step() {
    for text in [
        "[cognito]\nmax_atempts = 1",
        "[cognito]\nmax_attempts = 3",
        "[cognito]\nconnect_timeout = \"fast\"",
        "[profiles.work]\nregoin = \"eu-central-1\"",
        "[profiles.\"a b\"]\nregion = \"eu-central-1\"",
        "[profiles.work]\nregion = \"mars\"",
        "[profiles.work]\nregion = \"eu-central-1\"\nendpoint_url = \"http://example.com\"",
        "[profile.work]",
        "[pcsc]\nenabled = 1",
        "[pcsc\n",
    ] {
        let error = Config::parse(text, Path::new("/config.toml")).unwrap_err();
        assert!(error.to_string().contains("config.toml"), "{error}");
        assert!(error.to_string().contains("line "), "{error}");
        assert_helpful(Error::config(&error).sentence());
        assert_helpful(Error::no_config(error).sentence());
    }
}

#[test]
fn fatal_errors_of_the_daemon_are_helpful() {
    for error in [
        daemon::Error::NameTaken,
        daemon::Error::NameLost,
        daemon::Error::BusLost,
        daemon::Error::NoBus(zbus::Error::InvalidReply),
        daemon::Error::System(io::Error::from_raw_os_error(11)),
        daemon::Error::NoRandomness(Unavailable::NoRandomness),
    ] {
        // The program adds its name before the sentence and a full stop after it.
        assert_helpful(&format!("Daemon: {error}."));
    }
}
