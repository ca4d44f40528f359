//! Compares the nodes that are there with those that were there, and numbers the insertions.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::time::{Duration, Instant};

use super::sysfs::Node;
use crate::device::{Attachment, DeviceId, HidKind, Presence, Problem};

/// How long the node of an interface may be away while its USB device stays. libykpers takes the interface from the kernel's
/// driver for 0.15 to 0.2 s at each call, and longer on a busy computer.
pub(super) const MAX_GAP: Duration = Duration::from_secs(1);

/// How long access may be refused before that is reported: the node is there before udev has applied its rules, usually
/// 0.3 s.
pub(super) const MAX_RULES_DELAY: Duration = Duration::from_secs(3);

/// A node, and whether this user may open it.
#[derive(Clone, Debug)]
pub(super) struct Sighting {
    pub(super) node: Node,
    pub(super) is_denied: bool,
}

/// The interfaces that are plugged in, by name.
#[derive(Debug, Default)]
pub(super) struct Tracker {
    present: BTreeMap<OsString, Insertion>,
    /// The number of the last insertion. It is never reset, so that all numbers differ.
    last: u32,
}

#[derive(Debug)]
struct Insertion {
    number: u32,
    /// The last node of the interface. Its path may change when it comes back.
    node: Node,
    state: State,
}

/// The state of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Accessible,
    /// Access is refused, which is reported from this time on.
    Denied(Instant),
    /// The device was attached, and access is refused now.
    Withdrawn,
    /// Another program has taken the interface from the kernel's driver, which may last until this time.
    Taken(Instant),
    /// The interface is back, and udev may need until this time to grant access again.
    Returned(Instant),
}

/// The node of a device, for [`Transport::open`](crate::device::Transport::open).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Node(Node),
    /// The node is away and may come back within [`MAX_GAP`], or it is back and may be accessible within [`MAX_RULES_DELAY`].
    Taken,
    /// The system refuses access to an interface of this kind.
    Denied(HidKind),
    Removed,
}

impl Tracker {
    /// Forgets the interfaces of other kinds, which are no longer looked for.
    pub(super) fn keep(&mut self, kinds: &[HidKind]) {
        self.present.retain(|_, insertion| kinds.contains(&insertion.node.kind));
    }

    /// Replaces what is known by what is there. Returns the time after which the nodes must be compared again, even if nothing
    /// has changed.
    pub(super) fn update(&mut self, sightings: Vec<Sighting>, now: Instant) -> Option<Instant> {
        let mut before = std::mem::take(&mut self.present);
        for Sighting { node, is_denied } in sightings {
            let earlier = before.remove(&node.interface).filter(|earlier| earlier.node.parent == node.parent);
            let state = match (is_denied, earlier.as_ref().map(|earlier| earlier.state)) {
                (false, _) => State::Accessible,
                (true, Some(State::Denied(from))) => State::Denied(from),
                (true, Some(State::Taken(_))) => State::Returned(now + MAX_RULES_DELAY),
                (true, Some(State::Returned(until))) if now < until => State::Returned(until),
                (true, Some(State::Accessible | State::Returned(_) | State::Withdrawn)) => State::Withdrawn,
                (true, None) => State::Denied(now + MAX_RULES_DELAY),
            };
            // The worker of a withdrawn device may still run when access is granted again. Its events must not be taken for
            // those of the next worker.
            let same = earlier.filter(|earlier| is_denied || earlier.state != State::Withdrawn);
            let number = same.map_or_else(|| self.next_number(), |same| same.number);
            self.present.insert(node.interface.clone(), Insertion { number, node, state });
        }
        for (name, mut insertion) in before {
            let until = match insertion.state {
                State::Taken(until) => until,
                State::Accessible | State::Returned(_) => now + MAX_GAP,
                // It was not reported, and must not be reported now.
                State::Denied(_) | State::Withdrawn => continue,
            };
            if insertion.node.parent.is_present() && now < until {
                insertion.state = State::Taken(until);
                self.present.insert(name, insertion);
            }
        }
        self.present.values().filter_map(|insertion| insertion.state.ends()).filter(|end| *end > now).min()
    }

    /// What is attached.
    pub(super) fn presence(&self, now: Instant) -> Presence {
        let is_denied = |insertion: &&Insertion| match insertion.state {
            State::Denied(from) => from <= now,
            state => state == State::Withdrawn,
        };
        let denied = self.present.values().filter(is_denied);
        let devices = self.present.iter().filter(|(_, insertion)| !insertion.state.is_refused());
        Presence {
            devices: devices.map(|(name, insertion)| insertion.attachment(name)).collect(),
            problems: denied.map(|insertion| Problem::HidDenied(insertion.node.kind)).collect(),
        }
    }

    /// The node of this insertion.
    pub(super) fn find(&self, device: &DeviceId) -> Found {
        let insertion = self.present.get(&device.name).filter(|found| found.number == device.insertion);
        match insertion {
            None => Found::Removed,
            Some(Insertion { state: State::Taken(_) | State::Returned(_), .. }) => Found::Taken,
            Some(Insertion { state: State::Denied(_) | State::Withdrawn, node, .. }) => {
                Found::Denied(node.kind)
            }
            Some(Insertion { node, .. }) => Found::Node(node.clone()),
        }
    }

    fn next_number(&mut self) -> u32 {
        self.last = self.last.wrapping_add(1);
        self.last
    }
}

impl Insertion {
    fn attachment(&self, name: &OsStr) -> Attachment {
        Attachment {
            id: DeviceId { name: name.to_owned(), insertion: self.number },
            is_virtual: false,
            reader: None,
            usb: Some(self.node.usb.clone()),
            atr: Vec::new(),
        }
    }
}

impl State {
    fn is_refused(self) -> bool {
        matches!(self, Self::Denied(_) | Self::Withdrawn)
    }

    /// When the state has another meaning.
    fn ends(self) -> Option<Instant> {
        match self {
            Self::Accessible | Self::Withdrawn => None,
            Self::Denied(time) | Self::Taken(time) | Self::Returned(time) => Some(time),
        }
    }
}

#[cfg(test)]
mod tests;
