//! The words of `Problems` for the transports, and the sentences that say what to do about them.

use super::error::Error;
use crate::device::{self, HidKind, Problem};
use crate::token;

/// Follows from each word for a kind of HID interface, for clients that do not distinguish the kinds.
pub(crate) const HID_DENIED: &str = "hid-denied";

const PROBLEMS: [(&str, Problem); 7] = [
    ("pcscd-unavailable", Problem::PcscUnavailable),
    ("pcscd-denied", Problem::PcscDenied),
    ("pcscd-full", Problem::PcscFull),
    ("pcscd-version", Problem::PcscVersion),
    ("hid-denied-keyboard", Problem::HidDenied(HidKind::Keyboard)),
    ("hid-denied-nitrokeypro", Problem::HidDenied(HidKind::NitrokeyPro)),
    ("hid-denied-fido", Problem::HidDenied(HidKind::Fido)),
];

/// All words for a problem: the general one first, if there is one.
pub(super) fn words(problem: Problem) -> impl Iterator<Item = &'static str> {
    let general = matches!(problem, Problem::HidDenied(_)).then_some(HID_DENIED);
    let own = PROBLEMS.into_iter().filter(move |(_, known)| *known == problem).map(|(word, _)| word);
    general.into_iter().chain(own)
}

/// What a person can do about a problem of a transport; `None` for the general word and for words of other problems.
pub(crate) fn sentence(word: &str) -> Option<String> {
    let (_, problem) = PROBLEMS.into_iter().find(|(known, _)| *known == word)?;
    let error = token::Error::from(device::Error::Transport(problem));
    Some(Error::from(error).sentence().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All problems; the compiler demands a new one.
    fn all() -> Vec<Problem> {
        match Problem::PcscDenied {
            Problem::PcscUnavailable | Problem::PcscDenied | Problem::PcscFull | Problem::PcscVersion => {}
            Problem::HidDenied(HidKind::Keyboard | HidKind::NitrokeyPro | HidKind::Fido) => {}
        }
        let kinds = [HidKind::Keyboard, HidKind::NitrokeyPro, HidKind::Fido];
        let denied = kinds.map(Problem::HidDenied);
        let of_pcscd =
            [Problem::PcscUnavailable, Problem::PcscDenied, Problem::PcscFull, Problem::PcscVersion];
        [&of_pcscd[..], &denied[..]].concat()
    }

    #[test]
    fn each_problem_of_a_transport_has_a_word_of_its_own_with_a_sentence() {
        let own: Vec<_> = all().into_iter().map(|problem| words(problem).last().unwrap()).collect();
        assert!(own.iter().all(|word| sentence(word).unwrap().ends_with('.')), "{own:?}");
        let distinct: std::collections::BTreeSet<_> = own.iter().collect();
        assert_eq!(distinct.len(), all().len());
        assert_eq!(sentence("clock-skew"), None);
    }

    #[test]
    fn a_denied_interface_has_the_general_word_too_and_names_the_rules_of_its_kind_only() {
        let (keyboard, others) = (HidKind::Keyboard.rules(), HidKind::Fido.rules());
        for (kind, rules, not) in [
            (HidKind::Keyboard, keyboard, others),
            (HidKind::NitrokeyPro, others, keyboard),
            (HidKind::Fido, others, keyboard),
        ] {
            let words: Vec<_> = words(Problem::HidDenied(kind)).collect();
            assert_eq!(words[0], HID_DENIED);
            let sentence = sentence(words[1]).unwrap();
            assert!(sentence.contains(rules) && !sentence.contains(not), "{sentence}");
        }
        assert_eq!(words(Problem::PcscDenied).collect::<Vec<_>>(), ["pcscd-denied"]);
        assert_eq!(sentence(HID_DENIED), None);
    }
}
