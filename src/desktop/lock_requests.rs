//! The sessions that logind has requested to lock (org.freedesktop.login1(5)).
//!
//! `loginctl lock-session` sends the signal Lock and nothing else. A screen locker then shows itself and may set `LockedHint`,
//! seconds later or never. So a session is locked from the signal on. From its `LockedHint` on, that property says more.

use std::collections::{HashMap, HashSet};

use zbus::message::Message;
use zbus::{OwnedObjectPath, OwnedVariant};

/// The interface of a session.
pub(super) const SESSION: &str = "org.freedesktop.login1.Session";

const MANAGER: &str = "org.freedesktop.login1.Manager";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";

/// The sessions with the signal Lock, until the signal Unlock, until a change of `LockedHint`, or until they end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct LockRequests(HashSet<OwnedObjectPath>);

impl LockRequests {
    /// Whether this session was requested to lock.
    pub(super) fn has(&self, session: &OwnedObjectPath) -> bool {
        self.0.contains(session)
    }

    /// Applies a signal of logind; other signals change nothing.
    pub(super) fn apply(&mut self, signal: &Message) {
        let header = signal.header();
        let interface = header.interface().map_or("", |interface| interface.as_str());
        let member = header.member().map_or("", |member| member.as_str());
        let Some(session) = header.path().map(|path| OwnedObjectPath::from(path.to_owned())) else { return };
        match (interface, member) {
            (SESSION, "Lock") => drop(self.0.insert(session)),
            (SESSION, "Unlock") => drop(self.0.remove(&session)),
            (PROPERTIES, "PropertiesChanged") if changes_hint(signal) => drop(self.0.remove(&session)),
            (MANAGER, "SessionRemoved") => {
                if let Ok((_, ended)) = signal.body().deserialize::<(String, OwnedObjectPath)>() {
                    self.0.remove(&ended);
                }
            }
            _ => {}
        }
    }
}

fn changes_hint(signal: &Message) -> bool {
    let body = signal.body();
    let changed = body.deserialize::<(String, HashMap<String, OwnedVariant>, Vec<String>)>();
    changed.is_ok_and(|(interface, changed, _)| interface == SESSION && changed.contains_key("LockedHint"))
}

#[cfg(test)]
mod tests {
    use zbus::Variant;

    use super::*;

    const ONE: &str = "/org/freedesktop/login1/session/_31";

    fn signal<B>(path: &str, interface: &str, member: &str, body: &B) -> Message
    where
        B: serde::Serialize + zbus::DynamicType,
    {
        Message::signal(path, interface, member).build(body).unwrap()
    }

    fn changed(interface: &str, property: &str) -> Message {
        let values = HashMap::from([(property, Variant::from(false))]);
        signal(ONE, PROPERTIES, "PropertiesChanged", &(interface, values, Vec::<&str>::new()))
    }

    #[test]
    fn a_request_lasts_until_unlock_a_change_of_the_hint_or_the_end_of_the_session() {
        let path = OwnedObjectPath::try_from(ONE).unwrap();
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
            assert!(requests.has(&path), "{end:?}");
            requests.apply(&end);
            assert!(!requests.has(&path), "{end:?}");
        }
    }
}
