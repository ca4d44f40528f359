//! The daemon's sentences for users of the command line: D-Bus options are replaced by those of `oathbridgectl`.

/// D-Bus options that the command line has under another name.
const RENAMED: [(&str, &str); 4] = [
    ("access-token", "--access-token-stdin or --access-token-fd"),
    ("session", "--session-stdin or --session-fd"),
    ("client-secret", "--client-secret-fd"),
    ("challenge-parameters", "ChallengeParameters"),
];

/// The words before the name of an option, or before a list of names, in a sentence of the daemon.
const BEFORE_OPTION: [&str; 4] = ["the option ", "The option ", "the options ", "The options "];

/// The words between the names of options in a list.
const BETWEEN_OPTIONS: [&str; 3] = [", ", " and ", " or "];

/// A sentence of the daemon for a user of the command line.
pub(super) fn with_own_options(sentence: &str) -> String {
    BEFORE_OPTION.iter().fold(sentence.to_owned(), |text, before| with_options_after(&text, before))
}

/// Replaces `before` and the names of options after it by options of the command line.
fn with_options_after(text: &str, before: &str) -> String {
    let mut parts = text.split(before);
    let mut own = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        own.push_str(&with_own_list(part, before.ends_with("s ")));
    }
    own
}

/// Replaces the name at the start of a text; with `is_list` also those that follow it in a list.
fn with_own_list(text: &str, is_list: bool) -> String {
    let end = text.find(|letter: char| !letter.is_ascii_lowercase() && letter != '-').unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let renamed = RENAMED.iter().find(|(option, _)| *option == name);
    let own = renamed.map_or_else(|| format!("--{name}"), |(_, renamed)| (*renamed).to_owned());
    let between = BETWEEN_OPTIONS.iter().find(|between| is_list && rest.starts_with(**between));
    match between.and_then(|between| Some((between, rest.strip_prefix(*between)?))) {
        Some((between, others)) => format!("{own}{between}{}", with_own_list(others, true)),
        None => format!("{own}{rest}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_of_the_daemon_become_options_of_the_command_line() {
        for (daemon, own) in [
            (
                "The app client is not known; pass the option client-id.",
                "The app client is not known; pass --client-id.",
            ),
            (
                "The option region has the wrong type; pass a string.",
                "--region has the wrong type; pass a string.",
            ),
            ("Pass the option session.", "Pass --session-stdin or --session-fd."),
            (
                "Some options do not fit together: the options next, min-validity and claim require a clock.",
                "Some options do not fit together: --next, --min-validity and --claim require a clock.",
            ),
            ("The token was removed; plug it in.", "The token was removed; plug it in."),
        ] {
            assert_eq!(with_own_options(daemon), own);
        }
    }
}
