use clap::CommandFactory;

use super::*;

fn refusal(arguments: &[&str]) -> String {
    match parse(arguments.iter().map(OsString::from).collect()) {
        Parsed::Refusal(text) => text,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_definition_passes_the_checks_of_clap() {
    Arguments::command().debug_assert();
}

#[test]
fn secrets_as_arguments_are_refused_and_not_printed() {
    let secret = "s3cret".repeat(20);
    let attached = format!("--access-token={secret}");
    for arguments in [
        &["oathbridgectl", "verify", "--access-token", &secret][..],
        &["oathbridgectl", "verify", &attached],
        &["oathbridgectl", "unlock", "--password", &secret],
        &["oathbridgectl", "verify", "--session", &secret],
        &["oathbridgectl", "verify", "a", &secret],
        &["oathbridgectl", "unlock", "--password-fd", &secret],
    ] {
        let text = refusal(arguments);
        assert!(!text.contains("s3crets3cret"), "{text}");
    }
    assert!(refusal(&["oathbridgectl", "verify", &attached]).contains("--access-token-stdin"));
}

#[test]
fn a_secret_has_one_source_and_a_timeout_has_a_range() {
    for arguments in [
        &["oathbridgectl", "verify", "--access-token-stdin", "--session-stdin"][..],
        &["oathbridgectl", "verify", "--access-token-fd", "3", "--session-fd", "4"],
        &["oathbridgectl", "unlock", "--password-fd", "3", "--password-stdin"],
        &["oathbridgectl", "code", "a", "--timeout", "0"],
        &["oathbridgectl", "code", "a", "--timeout", "901"],
    ] {
        assert!(refusal(arguments).contains("--help"), "{arguments:?}");
    }
}
