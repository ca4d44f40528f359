//! Nodes that come and go, on a clock that the test moves.

use std::fs;
use std::path::PathBuf;

use super::*;
use crate::transport::hid::sysfs::Place;

/// A USB device with one interface, and a tracker of it.
struct Key {
    root: tempfile::TempDir,
    tracker: Tracker,
    now: Instant,
}

impl Key {
    fn new() -> Self {
        let key =
            Self { root: tempfile::tempdir().unwrap(), tracker: Tracker::default(), now: Instant::now() };
        key.plug();
        key
    }

    fn folder(&self) -> PathBuf {
        self.root.path().join("1-1")
    }

    fn plug(&self) {
        fs::create_dir(self.folder()).unwrap();
    }

    fn pull(&self) {
        // Renamed and not removed, so that the next folder has another inode number.
        fs::rename(self.folder(), tempfile::tempdir_in(self.root.path()).unwrap().keep().join("x")).unwrap();
    }

    fn parent(&self) -> Place {
        Place::of(&self.folder()).unwrap()
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
    }

    fn see(&mut self, is_denied: bool) -> Option<Duration> {
        let sighting = self.sighting(HidKind::Keyboard, is_denied);
        self.update(vec![sighting])
    }

    /// An interface of the key; each kind has one.
    fn sighting(&self, kind: HidKind, is_denied: bool) -> Sighting {
        let parent = self.parent();
        let usb = crate::device::UsbInterface {
            vendor: 0x1050,
            product: 0x0407,
            serial: None,
            number: Some(0),
            parent: Some(parent.label()),
        };
        let (path, place) = (PathBuf::from("/dev/hidraw0"), parent.clone());
        let interface = format!("1-1:{kind:?}").into();
        Sighting { node: Node { path, place, parent, interface, usb, kind }, is_denied }
    }

    fn see_nothing(&mut self) -> Option<Duration> {
        self.update(Vec::new())
    }

    /// How long the tracker may sleep.
    fn update(&mut self, sightings: Vec<Sighting>) -> Option<Duration> {
        self.tracker.update(sightings, self.now).map(|again| again - self.now)
    }

    fn attached(&self) -> Option<DeviceId> {
        self.tracker.presence(self.now).devices.pop().map(|device| device.id)
    }

    fn problem(&self) -> Option<Problem> {
        self.tracker.presence(self.now).problems.pop_first()
    }
}

const SECOND: Duration = Duration::from_secs(1);
const MOMENT: Duration = Duration::from_millis(200);

#[test]
fn a_node_that_is_away_for_a_moment_is_the_same_insertion() {
    let mut key = Key::new();
    assert_eq!(key.see(false), None);
    let before = key.attached().unwrap();
    for away in [0, 200, 500, 999].map(Duration::from_millis) {
        key.pass(MOMENT);
        assert_eq!(key.see_nothing(), Some(SECOND));
        assert_eq!(key.attached(), Some(before.clone()));
        assert_eq!(key.tracker.find(&before), Found::Taken);
        key.pass(away);
        assert_eq!(key.see_nothing(), Some(SECOND - away), "the time counts from the first look");
        assert_eq!(key.attached(), Some(before.clone()), "{away:?}");
        assert_eq!(key.see(false), None);
        assert_eq!(key.attached(), Some(before.clone()), "{away:?}");
        assert!(matches!(key.tracker.find(&before), Found::Node(_)));
    }
}

#[test]
fn a_node_that_stays_away_is_removed() {
    for away in [1_000, 1_500] {
        let mut key = Key::new();
        key.see(false);
        let before = key.attached().unwrap();
        assert_eq!(key.see_nothing(), Some(SECOND));
        key.pass(Duration::from_millis(away));
        assert_eq!(key.see_nothing(), None, "{away} ms");
        assert_eq!(key.attached(), None, "{away} ms");
        assert_eq!(key.tracker.find(&before), Found::Removed, "{away} ms");
        key.see(false);
        assert_ne!(key.attached().unwrap(), before, "{away} ms");
    }
}

/// The node goes first, and the USB device after it.
#[test]
fn a_key_that_is_pulled_while_its_node_is_away_is_removed_and_comes_back_as_another_insertion() {
    for looks_between in [false, true] {
        let mut key = Key::new();
        key.see(false);
        let before = key.attached();
        key.see_nothing();
        assert_eq!(key.attached(), before);
        key.pass(Duration::from_millis(10));
        key.pull();
        if looks_between {
            assert_eq!(key.see_nothing(), None);
            assert_eq!(key.attached(), None);
        }
        key.pass(Duration::from_millis(10));
        key.plug();
        key.see(false);
        assert!(key.attached().is_some());
        assert_ne!(key.attached(), before, "{looks_between}");
    }
}

#[test]
fn a_key_that_was_pulled_is_removed_at_once() {
    let mut key = Key::new();
    key.see(false);
    key.pull();
    assert_eq!(key.see_nothing(), None);
    assert_eq!(key.attached(), None);
}

#[test]
fn a_key_that_returns_is_a_new_insertion_after_any_time() {
    let mut key = Key::new();
    key.see(false);
    let mut before = key.attached().unwrap();
    // Without a look in between, and with one.
    for looks in [0, 1] {
        key.pull();
        for _ in 0..looks {
            key.see_nothing();
        }
        key.plug();
        key.see(false);
        let after = key.attached().unwrap();
        assert_eq!(after.name, before.name);
        assert_ne!(after.insertion, before.insertion);
        assert_eq!(key.tracker.find(&before), Found::Removed);
        before = after;
    }
}

#[test]
fn refused_access_is_a_problem_after_udev_had_time_for_its_rules() {
    let mut key = Key::new();
    assert_eq!(key.see(true), Some(MAX_RULES_DELAY));
    assert_eq!((key.attached(), key.problem()), (None, None));
    key.pass(MAX_RULES_DELAY / 2);
    assert_eq!(key.see(true), Some(MAX_RULES_DELAY / 2));
    assert_eq!(key.problem(), None);
    key.pass(MAX_RULES_DELAY / 2);
    assert_eq!(key.see(true), None);
    assert_eq!((key.attached(), key.problem()), (None, Some(Problem::HidDenied(HidKind::Keyboard))));
}

#[test]
fn the_problems_name_the_kinds_of_the_denied_interfaces() {
    let key = Key::new();
    let sighting = |kind, is_denied| key.sighting(kind, is_denied);
    for (keyboard, fido, expected) in [
        (false, false, &[][..]),
        (false, true, &[HidKind::Fido]),
        (true, false, &[HidKind::Keyboard]),
        (true, true, &[HidKind::Keyboard, HidKind::Fido]),
    ] {
        let mut tracker = Tracker::default();
        for now in [key.now, key.now + MAX_RULES_DELAY] {
            let sightings = vec![sighting(HidKind::Fido, fido), sighting(HidKind::Keyboard, keyboard)];
            tracker.update(sightings, now);
        }
        let presence = tracker.presence(key.now + MAX_RULES_DELAY);
        let expected = expected.iter().copied().map(Problem::HidDenied).collect();
        assert_eq!(presence.problems, expected, "{keyboard} {fido}");
    }
}

#[test]
fn access_that_is_granted_and_withdrawn_is_followed() {
    let mut key = Key::new();
    key.see(true);
    key.pass(MAX_RULES_DELAY);
    key.see(true);
    key.see(false);
    let granted = key.attached().unwrap();
    assert_eq!(key.problem(), None);
    assert_eq!(key.see(true), None);
    assert_eq!((key.attached(), key.problem()), (None, Some(Problem::HidDenied(HidKind::Keyboard))));
    assert_eq!(key.tracker.find(&granted), Found::Denied(HidKind::Keyboard));
    key.see(true);
    assert_eq!(key.tracker.find(&granted), Found::Denied(HidKind::Keyboard));
    // The worker of the earlier insertion may still wait for a touch, and its events are not those of the next one.
    key.see(false);
    let next = key.attached().unwrap();
    assert_eq!(next.name, granted.name);
    assert_ne!(next.insertion, granted.insertion);
    assert_eq!(key.tracker.find(&granted), Found::Removed);
}

#[test]
fn a_refused_node_that_is_away_is_not_reported_as_attached() {
    let mut key = Key::new();
    key.see(true);
    assert_eq!(key.see_nothing(), None);
    assert_eq!(key.attached(), None);
}

#[test]
fn a_node_that_is_back_before_udev_has_granted_access_is_the_same_insertion() {
    let mut key = Key::new();
    key.see(false);
    let before = key.attached();
    key.see_nothing();
    key.pass(MOMENT);
    assert_eq!(key.see(true), Some(MAX_RULES_DELAY));
    key.pass(MOMENT);
    assert_eq!(key.see(true), Some(MAX_RULES_DELAY - MOMENT));
    assert_eq!((key.attached(), key.problem()), (before.clone(), None));
    assert_eq!(key.tracker.find(before.as_ref().unwrap()), Found::Taken);
    key.see(false);
    assert_eq!(key.attached(), before);

    // Without a rule, access is refused in the end.
    key.see_nothing();
    key.see(true);
    key.pass(MAX_RULES_DELAY);
    assert_eq!(key.see(true), None);
    assert_eq!((key.attached(), key.problem()), (None, Some(Problem::HidDenied(HidKind::Keyboard))));
}

#[test]
fn a_kind_that_is_no_longer_looked_for_is_gone_at_once() {
    let mut key = Key::new();
    key.see(false);
    let attached = key.attached().unwrap();
    key.tracker.keep(&[HidKind::Fido]);
    key.see_nothing();
    assert_eq!((key.attached(), key.tracker.find(&attached)), (None, Found::Removed));
}
