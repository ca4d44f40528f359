//! The sessions that logind has requested to lock (org.freedesktop.login1(5)).
//!
//! `loginctl lock-session` sends the signal Lock and nothing else. A screen locker then shows itself and may set `LockedHint`,
//! seconds later or never. So a session is locked from the signal on. From its `LockedHint` on, that property says more.
//!
//! `loginctl lock-sessions` and a closed lid request it of every session, also of those that no locker serves. So a
//! request to a session without a seat does not count, and a person who unlocks one session at a seat ends the
//! requests to all.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};
use zbus::message::Message;
use zbus::{OwnedObjectPath, OwnedVariant};

use super::login1::{MANAGER, SESSION};

/// The beginning of the path of a session.
const SESSIONS: &str = "/org/freedesktop/login1/session/";

/// The maximum number of requests and ends in a file. A person has a few sessions.
const MAX_NUMBERS: usize = 256;

const PROPERTIES: &str = "org.freedesktop.DBus.Properties";

/// The sessions with the signal Lock, until the signal Unlock, until a change of `LockedHint`, or until they end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LockRequests {
    /// The numbers of the requests, and of the later ends of a lock, by the path of the session.
    requested: HashMap<String, u64>,
    ended: HashMap<String, u64>,
    /// Whether it is unknown which sessions were requested to lock. It says nothing about sessions of which a lock has
    /// ended since.
    is_unknown: bool,
}

impl LockRequests {
    /// Every session counts as requested to lock, until a lock of one of them ends.
    pub(super) fn unknown() -> Self {
        Self { is_unknown: true, ..Self::default() }
    }

    /// Whether one of these sessions was requested to lock, and no lock of one of them has ended since.
    pub(super) fn lock(&self, sessions: &[OwnedObjectPath]) -> bool {
        let last = |of: &HashMap<_, _>| {
            sessions.iter().filter_map(|session| of.get(session.as_str()).copied()).max()
        };
        let (requested, ended) = (last(&self.requested), last(&self.ended));
        requested > ended || (self.is_unknown && ended.is_none() && !sessions.is_empty())
    }

    /// Whether they may lock some session.
    pub(super) fn may_lock(&self) -> bool {
        self.is_unknown || !self.requested.is_empty()
    }

    /// Whether this program could have kept them.
    pub(super) fn are_possible(&self) -> bool {
        let (requested, ended) = (&self.requested, &self.ended);
        let numbers: HashSet<_> = requested.values().chain(ended.values()).collect();
        // Numbers that are equal or at their maximum would hide later requests.
        numbers.len() == requested.len() + ended.len()
            && numbers.len() <= MAX_NUMBERS
            && numbers.iter().all(|number| u32::try_from(**number).is_ok())
            && requested.keys().chain(ended.keys()).all(|path| path.starts_with(SESSIONS))
    }

    /// Keeps only what belongs to these sessions, which are all that count. Returns whether that is a change.
    pub(super) fn keep(&mut self, sessions: &[OwnedObjectPath]) -> bool {
        let before = self.clone();
        let counts = |path: &String| sessions.iter().any(|session| session.as_str() == path);
        self.requested.retain(|path, _| counts(path));
        self.ended.retain(|path, _| counts(path));
        // Without a session there is nothing that could have been requested.
        if sessions.is_empty() || !self.ended.is_empty() {
            self.is_unknown = false;
        }
        self.forget_ends();
        *self != before
    }

    /// Applies a signal of logind; other signals change nothing.
    pub(super) fn apply(&mut self, signal: &Message) {
        let header = signal.header();
        let interface = header.interface().map_or("", |interface| interface.as_str());
        let member = header.member().map_or("", |member| member.as_str());
        let Some(session) = header.path().map(ToString::to_string) else { return };
        if interface != MANAGER && !session.starts_with(SESSIONS) {
            return;
        }
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
        self.forget_ends();
    }

    /// Forgets the ends, if they end nothing.
    fn forget_ends(&mut self) {
        if !self.may_lock() {
            self.ended.clear();
        }
    }

    fn end(&mut self, session: String) {
        let number = self.next();
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

    /// logind's signals are those of all users.
    #[test]
    fn only_the_end_of_a_lock_of_ours_makes_the_requests_known_again() {
        let mut requests = LockRequests::unknown();
        requests.apply(&signal(TWO, SESSION, "Unlock", &()));
        assert!(requests.lock(&[path(ONE)]), "a session of another user");
        assert!(!requests.lock(&[path(ONE), path(TWO)]), "a session of ours");
        requests.keep(&[path(ONE)]);
        assert!(requests.lock(&[path(ONE)]), "a session of another user");
        requests.apply(&signal(ONE, SESSION, "Unlock", &()));
        assert!(!requests.lock(&[path(ONE)]));
        requests.keep(&[path(ONE)]);
        assert_eq!(requests, LockRequests::default());
    }

    #[test]
    fn only_requests_of_the_sessions_that_count_are_kept() {
        let mut requests = LockRequests::default();
        for session in [ONE, TWO] {
            requests.apply(&signal(session, SESSION, "Lock", &()));
        }
        assert!(!requests.keep(&[path(ONE), path(TWO)]));
        assert!(requests.keep(&[path(ONE)]));
        assert!(requests.lock(&[path(ONE)]) && !requests.lock(&[path(TWO)]));
        // The other session ended while no daemon ran, and a later one may have its path.
        assert!(requests.keep(&[path(TWO)]));
        assert_eq!(requests, LockRequests::default());
        let mut unknown = LockRequests::unknown();
        assert!(!unknown.keep(&[path(ONE)]) && unknown.lock(&[path(ONE)]));
        assert!(unknown.keep(&[]) && !unknown.lock(&[path(ONE)]));
    }

    #[test]
    fn content_that_would_hide_later_requests_is_not_ours() {
        let requests = |requested: &[(&str, u64)], ended: &[(&str, u64)]| {
            let map = |of: &[(&str, u64)]| of.iter().map(|(path, at)| ((*path).to_owned(), *at)).collect();
            LockRequests { requested: map(requested), ended: map(ended), is_unknown: false }
        };
        assert!(requests(&[(ONE, 1)], &[(TWO, 0)]).are_possible());
        assert!(!requests(&[(ONE, 1)], &[(TWO, 1)]).are_possible());
        assert!(!requests(&[(ONE, 1)], &[(TWO, 1 << 32)]).are_possible());
        assert!(!requests(&[("/org/freedesktop/login1/seat/seat0", 1)], &[]).are_possible());
        let paths: Vec<_> = (0..=256).map(|number| format!("{SESSIONS}{number}")).collect();
        let many: Vec<_> = paths.iter().map(String::as_str).zip(0..).collect();
        assert!(requests(&many[1..], &[]).are_possible());
        assert!(!requests(&many, &[]).are_possible());
    }
}
