//! The events that have an id in the journal, for an administrator to filter by (MESSAGE_ID= of
//! systemd.journal-fields(7)).
//!
//! A log line is such an event if its tracing event has the name: `tracing::warn!(name: events::CLOCK_WRONG, ...)`.

/// A problem of `Problems` has begun.
pub const PROBLEM_BEGUN: &str = "problem-begun";
/// A problem of `Problems` is over.
pub const PROBLEM_OVER: &str = "problem-over";
/// Cognito accepted a code.
pub const SUBMISSION_DONE: &str = "submission-done";
/// A submission that had begun ended with an error, before or after Cognito had the code.
pub const SUBMISSION_FAILED: &str = "submission-failed";
/// A configuration was not taken.
pub const CONFIG_REFUSED: &str = "config-refused";
/// A call was refused by a rule, a default of the rules or the policy, because its program is sandboxed or of another
/// user, or because the request that it names is of another program.
pub const CALL_DENIED: &str = "call-denied";
/// The time of Cognito and of this computer differ too much for codes.
pub const CLOCK_WRONG: &str = "clock-wrong";

/// The id of each event: 128 random bits in hexadecimal. An id never changes.
pub const IDS: [(&str, &str); 7] = [
    (PROBLEM_BEGUN, "a52e21240c98d195138953207bdc7e72"),
    (PROBLEM_OVER, "2d98d79c842f2581509732c77c511018"),
    (SUBMISSION_DONE, "4bc5c0b73a166ac69390ec2d8a01c32a"),
    (SUBMISSION_FAILED, "b8b5e2d06bb651993fb5e91f96379dc3"),
    (CONFIG_REFUSED, "aaa701c0bd332250febf747d3b48abbc"),
    (CALL_DENIED, "eb5040833afb0a25090c464525964bb4"),
    (CLOCK_WRONG, "82018828d48ef4c8f2f6add6901d728b"),
];

/// The id of an event by its name; `None` for all others.
pub(super) fn id(name: &str) -> Option<&'static str> {
    IDS.iter().find(|(known, _)| *known == name).map(|(_, id)| *id)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_ids_are_128_bits_each_and_differ() {
        let ids: BTreeSet<_> = IDS.iter().map(|(_, id)| *id).collect();
        assert_eq!(ids.len(), IDS.len());
        for id in ids {
            assert!(
                id.len() == 32 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')),
                "{id}"
            );
        }
    }
}
