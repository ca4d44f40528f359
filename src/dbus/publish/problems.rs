//! The words of `Problems`.

use std::collections::BTreeSet;

use crate::config::Hid;
use crate::dbus::transport_problems;
use crate::device::Problem;
use crate::device::hid_models::{HidKind, MODELS};
use crate::logging::events;
use crate::registry::{Snapshot, State};

/// The words of the D-Bus contract for the problems of the transports.
pub(super) fn words(snapshot: &Snapshot, hid: &Hid) -> BTreeSet<&'static str> {
    let is_read_over_pcsc = snapshot.tokens.values().any(|attached| {
        let is_read = !matches!(attached.state, State::Busy | State::Stuck | State::Error(_));
        is_read && attached.transports.contains(&"pcsc") && has_fido_interface(&attached.info.model)
    });
    let shown = snapshot.problems.iter().filter(|problem| is_shown(**problem, hid, is_read_over_pcsc));
    shown.flat_map(|problem| transport_problems::words(*problem)).collect()
}

/// Whether the problem prevents the daemon from reading a token.
fn is_shown(problem: Problem, hid: &Hid, is_read_over_pcsc: bool) -> bool {
    match problem {
        Problem::PcscUnavailable | Problem::PcscDenied | Problem::PcscFull | Problem::PcscVersion => true,
        Problem::HidDenied(HidKind::Keyboard) => hid.uses_slots(),
        Problem::HidDenied(HidKind::NitrokeyPro) => hid.enabled,
        // A FIDO interface does not tell to which card it belongs. Usually there is one such key only.
        Problem::HidDenied(HidKind::Fido) => hid.uses_fido() && !is_read_over_pcsc,
    }
}

fn has_fido_interface(model: &str) -> bool {
    MODELS.iter().any(|known| known.kind == HidKind::Fido && known.name == model)
}

/// Logs the problems that have begun and those that are over, each once.
pub(super) fn log_changes(before: &[String], now: &[String]) {
    for word in now.iter().filter(|word| !before.contains(word)) {
        match transport_problems::sentence(word) {
            Some(sentence) => {
                tracing::warn!(name: events::PROBLEM_BEGUN, "the problem {word} has begun: {sentence}");
            }
            None => tracing::warn!(name: events::PROBLEM_BEGUN, "the problem {word} has begun"),
        }
    }
    for word in before.iter().filter(|word| !now.contains(word)) {
        tracing::info!(name: events::PROBLEM_OVER, "the problem {word} is over");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::OtpSlot;

    #[test]
    fn a_denied_interface_is_a_problem_only_if_a_token_is_missing_for_it() {
        let (issuer, account) = (String::new(), "alice".to_owned());
        let slot = OtpSlot { serial: 7, slot: 2, issuer, account, digits: 6, period: 30 };
        let (none, slots) = (Hid::default(), Hid { otp_slots: vec![slot], ..Hid::default() });
        let (off, without_fido) =
            (Hid { enabled: false, ..slots.clone() }, Hid { fido: false, ..slots.clone() });
        let (keyboard, fido) = (Problem::HidDenied(HidKind::Keyboard), Problem::HidDenied(HidKind::Fido));
        for (problem, hid, is_read_over_pcsc, expected) in [
            (keyboard, &slots, true, true),
            (keyboard, &none, false, false),
            (keyboard, &off, false, false),
            (fido, &none, false, true),
            (fido, &slots, true, false),
            (fido, &off, false, false),
            (fido, &without_fido, false, false),
            (keyboard, &without_fido, false, true),
            (Problem::HidDenied(HidKind::NitrokeyPro), &without_fido, true, true),
            (Problem::HidDenied(HidKind::NitrokeyPro), &off, true, false),
            (Problem::PcscDenied, &off, true, true),
        ] {
            assert_eq!(is_shown(problem, hid, is_read_over_pcsc), expected, "{problem:?} {hid:?}");
        }
    }

    #[test]
    fn a_key_with_a_fido_interface_is_known_by_its_model_on_any_transport() {
        assert!(has_fido_interface("Nitrokey 3") && has_fido_interface("Token2 PIN+"));
        assert!(!has_fido_interface("YubiKey 5"));
        assert!(!has_fido_interface(""));
    }
}
