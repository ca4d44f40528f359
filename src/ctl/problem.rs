//! `Manager.Problems` as sentences: the reason for missing tokens, and what to do.

use serde::Serialize;

use super::tree::{Token, Tree};
use super::wording::words;
use super::{Failure, exit};
use crate::dbus::{HID_DENIED, names, problem_sentence};

/// A problem. Its serialised form is part of the `--json` output.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Problem {
    problem: String,
    advice: String,
}

pub(super) fn problems(tree: &Tree) -> Vec<Problem> {
    let words = tree.problems.iter();
    words.map(|word| Problem { problem: word.clone(), advice: advice(word, &tree.problems) }).collect()
}

/// One sentence for each problem.
pub(super) fn sentences(tree: &Tree) -> Vec<String> {
    distinct(&problems(tree))
}

/// The advice for these problems, each once: the general word for an interface has that of its first kind.
pub(super) fn distinct(problems: &[Problem]) -> Vec<String> {
    let mut sentences: Vec<_> = problems.iter().map(|problem| problem.advice.clone()).collect();
    sentences.dedup();
    sentences
}

/// These sentences in at most this number of lines, at least one; the last line has what is left.
pub(super) fn lines(mut lines: Vec<String>, most: usize) -> Vec<String> {
    if lines.len() > most {
        let left = lines.split_off(most.saturating_sub(1));
        lines.push(left.join(" "));
    }
    lines
}

/// The sentences for the case that no token is attached. A problem comes first, because it may be the reason.
pub(super) fn nothing_attached(tree: &Tree) -> Vec<String> {
    let nothing = "No token is attached; plug one in, or see what is wrong with `oathbridgectl status`.";
    sentences(tree).into_iter().chain([nothing.to_owned()]).collect()
}

/// The failure for the case that none of these tokens shows a credential, if a token could not be read or a transport may hide
/// one.
pub(super) fn unread(tree: &Tree, tokens: &[&Token]) -> Option<Failure> {
    // A key may be without OATH on purpose, which is no failure beside a token that was read.
    let has_read = tokens.iter().any(|token| matches!(token.state.as_str(), "ready" | "locked"));
    let is_unusable = |token: &&Token| token.is_unusable() && !(has_read && token.state == "no-oath");
    let unusable: Vec<_> = tokens.iter().copied().filter(is_unusable).collect();
    let is_hidden =
        tree.tokens.is_empty() && tree.problems.iter().any(|word| problem_sentence(word).is_some());
    if unusable.is_empty() && !is_hidden {
        return None;
    }
    let mut codes: Vec<_> = unusable.iter().map(|token| code(token)).collect();
    codes.dedup();
    let code = match codes.as_slice() {
        [one] => *one,
        _ => exit::FAILED,
    };
    let mut lines = unusable_of(tree, unusable).into_iter().chain(sentences(tree));
    let first = lines.next().unwrap_or_default();
    Some(Failure::new(code, first).with_lines(lines))
}

/// One sentence for each locked token.
pub(super) fn locked(tree: &Tree) -> Vec<String> {
    let sentence = |token: &Token| {
        let why =
            if token.may_hide_more && token.pin_set { "hides credentials behind a PIN" } else { "is locked" };
        format!("The token {} {why}; unlock it with oathbridgectl unlock {}.", tree.label(token), token.id)
    };
    tree.locked().map(sentence).collect()
}

/// One sentence for each token that the daemon cannot use.
pub(super) fn unusable(tree: &Tree) -> Vec<String> {
    unusable_of(tree, tree.unusable())
}

/// The same for some of these tokens.
pub(super) fn unusable_of<'tree>(tree: &Tree, tokens: impl IntoIterator<Item = &'tree Token>) -> Vec<String> {
    let sentence = |token: &Token| match token.state.as_str() {
        "stuck" => {
            format!("The token {} stopped answering; unplug it and plug it in again.", tree.label(token))
        }
        "busy" => words::unread(&tree.label(token), "TokenBusy"),
        "reading" => {
            format!("The token {} is still being read; try again in a few seconds.", tree.label(token))
        }
        "no-oath" => words::without_oath(&tree.label(token), &token.vendor),
        _ => of_transport(tree, token)
            .unwrap_or_else(|| words::unread(&tree.label(token), &token.state_reason)),
    };
    tokens.into_iter().filter(|token| token.is_unusable()).map(sentence).collect()
}

/// The exit code for a token that the daemon cannot use: that of the daemon's error.
pub(super) fn code(token: &Token) -> u8 {
    let name = match token.state.as_str() {
        "stuck" => "TokenStuck",
        "busy" | "reading" => "TokenBusy",
        "no-oath" => "Unsupported",
        _ => &token.state_reason,
    };
    exit::of_error(&format!("{}{name}", names::ERROR))
}

/// The exit code if no token can be unlocked: that of the only one that the daemon cannot use.
pub(super) fn code_of(tree: &Tree) -> u8 {
    match tree.unusable().collect::<Vec<_>>().as_slice() {
        [one] => code(one),
        _ => exit::NOT_FOUND,
    }
}

/// The sentence for a token that cannot be read because of its transport: what the daemon says of that.
fn of_transport(tree: &Tree, token: &Token) -> Option<String> {
    let word = match token.state_reason.as_str() {
        "PcscUnavailable" => ["pcscd-full", "pcscd-version"]
            .into_iter()
            .find(|word| tree.problems.iter().any(|problem| problem == word))
            .unwrap_or("pcscd-unavailable"),
        "PcscDenied" => "pcscd-denied",
        "HidDenied" => HID_DENIED,
        _ => return None,
    };
    let why = advice(word, &tree.problems);
    let why = why.strip_prefix("The ").unwrap_or(&why);
    Some(format!("The token {} cannot be used, because the {why}", tree.label(token)))
}

/// A token that the daemon cannot use. Its serialised form is part of the `--json` output.
#[derive(Serialize)]
pub(super) struct Unusable<'tree> {
    id: &'tree str,
    state: &'tree str,
    state_reason: &'tree str,
}

impl<'tree> Unusable<'tree> {
    pub(super) fn all(tree: &'tree Tree) -> Vec<Self> {
        let one = |token: &'tree Token| Self {
            id: &token.id,
            state: &token.state,
            state_reason: &token.state_reason,
        };
        tree.unusable().map(one).collect()
    }
}

/// What to do about the problem with this word, one of these.
fn advice(word: &str, words: &[String]) -> String {
    if let Some(sentence) = problem_sentence(word) {
        return sentence;
    }
    match word {
        HID_DENIED => words.iter().filter(|word| word.starts_with(HID_DENIED)).find_map(|word| problem_sentence(word))
            .unwrap_or_else(|| "The system does not let this user open a HID interface of a token; log in at the machine itself, or install the udev rules that the README names.".to_owned()),
        "clock-skew" => "The clock of this computer is wrong, so its codes are wrong as well; run timedatectl set-ntp true, or set the clock.".to_owned(),
        "config-invalid" => "The configuration has an error, so the daemon keeps the previous one, or uses no token if there was none; run oathbridgectl config check, which prints the error.".to_owned(),
        "state-unusable" => "Codes cannot be submitted, because the state folder is not usable; run oathbridgectl config check, and see the journal with journalctl --user -u oathbridge.".to_owned(),
        other => format!("The daemon reports the problem {other}; check its journal with journalctl --user -u oathbridge."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_has_what_is_left() {
        let words = ["pcscd-denied", "clock-skew", "config-invalid", "state-unusable"].map(str::to_owned);
        let problems = problems(&Tree { problems: words.to_vec(), ..Tree::default() });
        let all = distinct(&problems);
        assert_eq!((all.len(), lines(all.clone(), 4)), (4, all.clone()));
        let [first, second, third, fourth] = &all[..] else { panic!("{all:?}") };
        let expected = [first.clone(), second.clone(), format!("{third} {fourth}")];
        assert_eq!(lines(all.clone(), 3), expected);
        assert_eq!(lines(all.clone(), 1), [all.join(" ")]);
    }

    #[test]
    fn a_denied_interface_is_told_by_its_kind_once() {
        let (keyboard, others) = ("70-oathbridge-keyboard.rules", "70-oathbridge.rules");
        for (kinds, expected) in [
            (&["hid-denied-keyboard"][..], &[keyboard][..]),
            (&["hid-denied-fido"], &[others]),
            (&["hid-denied-nitrokeypro"], &[others]),
            (&["hid-denied-fido", "hid-denied-keyboard"], &[others, keyboard]),
        ] {
            let words = std::iter::once(&HID_DENIED).chain(kinds).map(|word| (*word).to_owned());
            let tree = Tree { problems: words.collect(), ..Tree::default() };
            let sentences = sentences(&tree);
            assert_eq!(sentences.len(), expected.len(), "{sentences:?}");
            for (sentence, rules) in sentences.iter().zip(expected) {
                let other = if *rules == keyboard { others } else { keyboard };
                assert!(sentence.contains(rules) && !sentence.contains(other), "{sentence}");
            }
            assert_eq!(problems(&tree).len(), kinds.len() + 1, "the JSON output has each word");
        }
    }

    #[test]
    fn a_key_without_oath_is_no_failure_beside_a_token_that_was_read() {
        let token = |state: &str| Token {
            id: state.to_owned(),
            name: state.to_owned(),
            path: String::new(),
            vendor: String::new(),
            model: String::new(),
            family: String::new(),
            serial: String::new(),
            firmware: String::new(),
            reader: String::new(),
            is_virtual: false,
            transports: Vec::new(),
            state: state.to_owned(),
            state_reason: String::new(),
            pin_set: false,
            attempts_left: -1,
            capabilities: Vec::new(),
            capacity: 0,
            may_hide_more: false,
        };
        for (states, fails) in [
            (&["no-oath"][..], true),
            (&["no-oath", "ready"], false),
            (&["locked", "no-oath"], false),
            (&["no-oath", "busy"], true),
            (&["ready", "busy", "no-oath"], true),
        ] {
            let tree = Tree { tokens: states.iter().map(|state| token(state)).collect(), ..Tree::default() };
            let failure = unread(&tree, &tree.tokens.iter().collect::<Vec<_>>());
            assert_eq!(failure.is_some(), fails, "{states:?}");
        }
    }
}
