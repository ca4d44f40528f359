//! The result of an operation, for `GetResult`.

use std::collections::HashMap;
use std::time::Duration;

use zbus::{OwnedVariant, Variant};

use crate::dbus::args::{Map, put_text};
use crate::dbus::error::Error;
use crate::operations::{Challenge, SubmissionDetails};

/// The result and the details of an operation that has ended at `now` in Unix time.
pub(in crate::dbus) fn outcome<T>(
    submission: SubmissionDetails,
    result: &Result<T, Error>,
    values: impl FnOnce(&T) -> Map,
    now: Duration,
) -> Map {
    let mut map = details(&submission);
    match result {
        Ok(reply) => map.extend(values(reply)),
        Err(error) => {
            put_text(&mut map, "error", Some(&error.full_name()));
            go_on(&mut map, submission.challenge);
            if let Some(at) = error.retry_at(now) {
                map.insert("retry-at".to_owned(), at.as_secs().into());
            }
        }
    }
    map
}

/// Adds the challenge with which an unfinished sign-in can continue.
fn go_on(map: &mut Map, challenge: Option<Challenge>) {
    let Some(Challenge { name, session, parameters }) = challenge else { return };
    put_text(map, "challenge-name", Some(&name));
    put_text(map, "session", Some(session.expose()));
    let parameters: HashMap<_, _> = parameters.into_iter().collect();
    if let Ok(parameters) = OwnedVariant::try_from(Variant::from(parameters)) {
        map.insert("challenge-parameters".to_owned(), parameters);
    }
}

/// The details besides the result.
pub(in crate::dbus) fn details(submission: &SubmissionDetails) -> Map {
    let mut map = Map::from([
        ("submitted".to_owned(), submission.submitted().into()),
        ("attempts".to_owned(), submission.attempts.into()),
    ]);
    put_text(&mut map, "request-id", submission.request_id.as_deref());
    put_text(&mut map, "aws-code", submission.aws_code.as_deref());
    if let Some(skew) = submission.clock_skew {
        map.insert("clock-skew".to_owned(), skew.into());
    }
    map
}
