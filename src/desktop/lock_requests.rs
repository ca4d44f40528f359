//! The sessions that logind has requested to lock (org.freedesktop.login1(5)).
//!
//! `loginctl lock-session` sends the signal Lock and nothing else. A screen locker then shows itself and may set `LockedHint`,
//! seconds later or never. So a session is locked from the signal on. From its `LockedHint` on, that property says more.
//!
//! `loginctl lock-sessions` and a closed lid request it of every session, also of those that no locker serves. So a
//! request to a session without a seat does not count, and a person who unlocks one session at a seat ends the
//! requests to all.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use zbus::message::Message;
use zbus::{OwnedObjectPath, OwnedVariant};

/// The interface of a session.
pub(super) const SESSION: &str = "org.freedesktop.login1.Session";

const MANAGER: &str = "org.freedesktop.login1.Manager";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";

/// The sessions with the signal Lock, until the signal Unlock, until a change of `LockedHint`, or until they end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LockRequests {
    /// The numbers of the requests, and of the later ends of a lock, by the path of the session.
    requested: HashMap<String, u64>,
    ended: HashMap<String, u64>,
    /// Whether it is unknown which sessions were requested to lock; no lock has ended since.
    is_unknown: bool,
}

impl LockRequests {
    /// Every session counts as requested to lock, until a lock ends.
    pub(super) fn unknown() -> Self {
        Self { is_unknown: true, ..Self::default() }
    }

    /// Whether one of these sessions was requested to lock, and no lock of one of them has ended since.
    pub(super) fn lock(&self, sessions: &[OwnedObjectPath]) -> bool {
        let numbers = |of: &HashMap<_, _>| {
            sessions.iter().filter_map(|session| of.get(session.as_str()).copied()).max()
        };
        let is_requested = numbers(&self.requested) > numbers(&self.ended);
        is_requested || (self.is_unknown && !sessions.is_empty())
    }

    /// Applies a signal of logind; other signals change nothing.
    pub(super) fn apply(&mut self, signal: &Message) {
        let header = signal.header();
        let interface = header.interface().map_or("", |interface| interface.as_str());
        let member = header.member().map_or("", |member| member.as_str());
        let Some(session) = header.path().map(ToString::to_string) else { return };
        match (interface, member) {
            (SESSION, "Lock") => drop(self.requested.insert(session, self.next())),
            (SESSION, "Unlock") => self.end(session),
            (PROPERTIES, "PropertiesChanged") => match changed_hint(signal) {
                Some(true) => drop(self.requested.remove(&session)),
                Some(false) => self.end(session),
                None => {}
            },
            (MANAGER, "SessionRemoved") => {
                if let Ok((_, removed)) = signal.body().deserialize::<(String, OwnedObjectPath)>() {
                    self.requested.remove(removed.as_str());
                }
            }
            _ => {}
        }
        if self.requested.is_empty() {
            self.ended.clear();
        }
    }

    fn end(&mut self, session: String) {
        let number = self.next();
        self.is_unknown = false;
        self.requested.remove(&session);
        self.ended.insert(session, number);
    }

    /// The number of the next request or end. A signal that changes nothing uses up none, because the requests are
    /// written after each change.
    fn next(&self) -> u64 {
        self.requested.values().chain(self.ended.values()).max().map_or(0, |last| last.saturating_add(1))
    }
}

/// The new value of `LockedHint`, if the signal has one.
fn changed_hint(signal: &Message) -> Option<bool> {
    let body = signal.body();
    let changed = body.deserialize::<(String, HashMap<String, OwnedVariant>, Vec<String>)>();
    let (_, mut changed, _) = changed.ok().filter(|(interface, ..)| interface == SESSION)?;
    bool::try_from(changed.remove("LockedHint")?).ok()
}

#[cfg(test)]
mod tests {
    use zbus::Variant;

    use super::*;

    const ONE: &str = "/org/freedesktop/login1/session/_31";
    const TWO: &str = "/org/freedesktop/login1/session/_32";

    fn path(text: &str) -> OwnedObjectPath {
        OwnedObjectPath::try_from(text).unwrap()
    }

    fn signal<B>(path: &str, interface: &str, member: &str, body: &B) -> Message
    where
        B: Serialize + zbus::DynamicType,
    {
        Message::signal(path, interface, member).build(body).unwrap()
    }

    fn changed(interface: &str, property: &str) -> Message {
        let values = HashMap::from([(property, Variant::from(false))]);
        signal(ONE, PROPERTIES, "PropertiesChanged", &(interface, values, Vec::<&str>::new()))
    }

    #[test]
    fn a_request_lasts_until_unlock_a_change_of_the_hint_or_the_end_of_the_session() {
        let sessions = [path(ONE)];
        let removed = ("1", zbus::ObjectPath::try_from(ONE).unwrap());
        let ends = [
            signal(ONE, SESSION, "Unlock", &()),
            changed(SESSION, "LockedHint"),
            signal("/org/freedesktop/login1", MANAGER, "SessionRemoved", &removed),
        ];
        let others = [
            changed(SESSION, "Active"),
            changed("org.freedesktop.login1.User", "LockedHint"),
            signal("/org/freedesktop/login1/session/_32", SESSION, "Unlock", &()),
            signal(ONE, MANAGER, "Unlock", &()),
        ];
        for end in ends {
            let mut requests = LockRequests::default();
            requests.apply(&signal(ONE, SESSION, "Lock", &()));
            for other in &others {
                requests.apply(other);
            }
            assert!(requests.lock(&sessions), "{end:?}");
            requests.apply(&end);
            assert!(!requests.lock(&sessions), "{end:?}");
        }
    }

    #[test]
    fn the_end_of_one_lock_ends_the_earlier_requests_to_the_other_sessions() {
        let (both, other) = ([path(ONE), path(TWO)], [path(TWO)]);
        for end in [signal(ONE, SESSION, "Unlock", &()), changed(SESSION, "LockedHint")] {
            let mut requests = LockRequests::default();
            requests.apply(&signal(ONE, SESSION, "Lock", &()));
            requests.apply(&signal(TWO, SESSION, "Lock", &()));
            requests.apply(&end);
            assert!(!requests.lock(&both), "{end:?}");
            assert!(requests.lock(&other), "the session that was unlocked is not ours: {end:?}");
            requests.apply(&signal(TWO, SESSION, "Lock", &()));
            assert!(requests.lock(&both), "a new request: {end:?}");
        }
    }
}
