//! `Manager.Problems` as sentences: the reason for missing tokens, and what to do.

use serde::Serialize;

use super::tree::{Token, Tree};
use crate::dbus::Error;
use crate::token;

/// A problem. Its serialised form is part of the `--json` output.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Problem {
    problem: String,
    advice: String,
}

pub(super) fn problems(tree: &Tree) -> Vec<Problem> {
    tree.problems.iter().map(|word| Problem { problem: word.clone(), advice: advice(word) }).collect()
}

impl Problem {
    /// What to do.
    pub(super) fn advice(&self) -> &str {
        &self.advice
    }
}

/// One sentence for each problem.
pub(super) fn sentences(tree: &Tree) -> Vec<String> {
    tree.problems.iter().map(|word| advice(word)).collect()
}

/// The sentences for the case that no token is attached.
pub(super) fn nothing_attached(tree: &Tree) -> Vec<String> {
    let mut sentences = vec!["No token is attached; plug one in.".to_owned()];
    sentences.extend(self::sentences(tree));
    sentences
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

fn advice(word: &str) -> String {
    match word {
        "pcscd-unavailable" => Error::from(token::Error::PcscUnavailable).sentence().to_owned(),
        "pcscd-denied" => Error::from(token::Error::PcscDenied).sentence().to_owned(),
        "hid-denied" => Error::from(token::Error::HidDenied).sentence().to_owned(),
        "clock-skew" => "The clock of this computer is wrong, so its codes are wrong as well; run timedatectl set-ntp true, or set the clock.".to_owned(),
        "config-invalid" => "The configuration has an error, so the daemon keeps the previous one, or uses no token if there was none; run oathbridgectl config check, which prints the error.".to_owned(),
        "state-unusable" => "Codes cannot be submitted, because the state folder is not usable; run oathbridgectl config check, and see the journal with journalctl --user -u oathbridge.".to_owned(),
        other => format!("The daemon reports the problem {other}; check its journal with journalctl --user -u oathbridge."),
    }
}
