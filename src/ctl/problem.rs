//! `Manager.Problems` in sentences: why there may be tokens that can't be seen, and what to do about it.

use serde::Serialize;

use super::tree::Tree;
use crate::dbus::Error;
use crate::token;

/// A problem; serialised, it is part of what `--json` promises.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Problem {
    problem: String,
    advice: String,
}

pub(super) fn problems(tree: &Tree) -> Vec<Problem> {
    tree.problems.iter().map(|word| Problem { problem: word.clone(), advice: advice(word) }).collect()
}

/// A sentence for each problem.
pub(super) fn sentences(tree: &Tree) -> Vec<String> {
    tree.problems.iter().map(|word| advice(word)).collect()
}

/// What to do when nothing is attached.
pub(super) fn nothing_attached(tree: &Tree) -> Vec<String> {
    let mut sentences = vec!["No token is attached; plug one in.".to_owned()];
    sentences.extend(self::sentences(tree));
    sentences
}

/// A sentence for each locked token.
pub(super) fn locked(tree: &Tree) -> Vec<String> {
    let sentence = |token| {
        format!(
            "The token {} is locked; unlock it with oathbridgectl unlock {}.",
            tree.label(token),
            token.id
        )
    };
    tree.locked().map(sentence).collect()
}

fn advice(word: &str) -> String {
    match word {
        "pcscd-unavailable" => Error::from(token::Error::PcscUnavailable).sentence().to_owned(),
        "pcscd-denied" => Error::from(token::Error::PcscDenied).sentence().to_owned(),
        "hid-denied" => "Some USB tokens can't be opened by this user; install the udev rules of oathbridge and plug the token in again.".to_owned(),
        "clock-skew" => "This computer's clock is wrong, and so are its codes; set it, or have timedatectl set-ntp true do it.".to_owned(),
        "config-invalid" => "The configuration can't be used, and the one before is in force; mend it and run oathbridgectl list --refresh, which names the mistake.".to_owned(),
        other => format!("The daemon reports the problem {other}; look into its journal with journalctl --user -u oathbridge."),
    }
}
