//! How operations ended, for as long as their requesters can ask.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use zbus::{OwnedVariant, Variant};

use super::Error;
use super::call::put_text;
use super::options::Map;
use crate::clock::Clock;
use crate::operations::{Challenge, Facts, Operation};

/// The results of the operations that others can see, by number: the oldest first.
#[derive(Debug, Default)]
pub(super) struct Results {
    kept: Mutex<BTreeMap<u64, (Operation, Map)>>,
}

impl Results {
    /// Keeps how an operation ended.
    pub(super) fn put<T>(
        &self,
        operation: &Operation,
        result: &Result<T, Error>,
        values: impl FnOnce(&T) -> Map,
        clock: &dyn Clock,
    ) {
        let mut map = details(&operation.facts());
        match result {
            Ok(reply) => map.extend(values(reply)),
            Err(error) => {
                put_text(&mut map, "error", Some(&error.full_name()));
                go_on(&mut map, operation.facts().challenge);
                if let Some(at) = error.retry_at(clock.unix_time()) {
                    map.insert("retry-at".to_owned(), at.as_secs().into());
                }
            }
        }
        self.kept().insert(operation.number(), (operation.clone(), map));
    }

    /// How an operation ended; nothing if it hasn't.
    pub(super) fn get(&self, operation: &Operation) -> Option<Map> {
        let kept = self.kept();
        let (_, map) = kept.get(&operation.number())?;
        let copy = |(key, value): (&String, &OwnedVariant)| Some((key.clone(), value.try_clone().ok()?));
        map.iter().map(copy).collect()
    }

    /// Nobody can ask any more.
    pub(super) fn forget(&self, operation: &Operation) {
        self.kept().remove(&operation.number());
        operation.forget();
    }

    /// Forgets all that a caller could ask about.
    pub(super) fn forget_all_of(&self, caller: &str) {
        self.of(caller).iter().for_each(|operation| self.forget(operation));
    }

    /// Forgets the oldest of a caller, until no more than `most` are left.
    pub(super) fn limit(&self, caller: &str, most: usize) {
        let kept = self.of(caller);
        let surplus = kept.len().saturating_sub(most);
        kept.iter().take(surplus).for_each(|operation| self.forget(operation));
    }

    fn of(&self, caller: &str) -> Vec<Operation> {
        let kept = self.kept();
        let operations = kept.values().map(|(operation, _)| operation);
        operations.filter(|operation| operation.request().caller == caller).cloned().collect()
    }

    fn kept(&self) -> MutexGuard<'_, BTreeMap<u64, (Operation, Map)>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a sign-in can go on with that did not get to its end.
fn go_on(map: &mut Map, challenge: Option<Challenge>) {
    let Some(Challenge { name, session, parameters }) = challenge else { return };
    put_text(map, "challenge-name", Some(&name));
    put_text(map, "session", Some(session.expose()));
    let parameters: HashMap<_, _> = parameters.into_iter().collect();
    if let Ok(parameters) = OwnedVariant::try_from(Variant::from(parameters)) {
        map.insert("challenge-parameters".to_owned(), parameters);
    }
}

/// What is known besides the result.
pub(super) fn details(facts: &Facts) -> Map {
    let mut map = Map::from([
        ("submitted".to_owned(), facts.submitted().into()),
        ("attempts".to_owned(), facts.attempts.into()),
    ]);
    put_text(&mut map, "request-id", facts.request_id.as_deref());
    put_text(&mut map, "aws-code", facts.aws_code.as_deref());
    if let Some(skew) = facts.clock_skew {
        map.insert("clock-skew".to_owned(), skew.into());
    }
    map
}
