//! The monitor thread, which waits for messages of udev and changes of permissions.

use std::os::fd::AsFd;
use std::path::Path;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::access::{self, Permissions};
use super::sysfs::{Node, Sysfs};
use super::tracker::{Found, MAX_GAP, MAX_RULES_DELAY, Sighting, Tracker};
use super::uevents::Uevents;
use crate::device::{DeviceId, HidKind, Presence};
use crate::sync::IgnorePoison;
use crate::transport::interrupt::Interrupt;

/// The maximum wait if no descriptor is left for interruptions.
const UNINTERRUPTIBLE_WAIT: Duration = Duration::from_millis(250);

/// Watches the nodes of these kinds.
pub(super) struct Monitor {
    kinds: Mutex<Vec<HidKind>>,
    sysfs: Sysfs,
    interrupt: Interrupt,
    tracker: Mutex<Tracker>,
}

/// The sources of changes. Each may be missing if no descriptor is left; then only scans on request see such changes.
struct Sources {
    uevents: Option<Uevents>,
    permissions: Option<Permissions>,
}

impl Monitor {
    pub(super) fn new() -> Self {
        let (interrupt, tracker) = (Interrupt::new(), Mutex::default());
        Self { kinds: Mutex::default(), sysfs: Sysfs::system(), interrupt, tracker }
    }

    /// Sets the kinds from the next scan on; there are none before.
    pub(super) fn look_for(&self, kinds: &[HidKind]) {
        *self.kinds.lock().ignore_poison() = kinds.to_vec();
    }

    pub(super) fn stop(&self) {
        self.interrupt.stop();
    }

    /// Scans the nodes. Returns after the report of the scan, or after a timeout.
    pub(super) fn rescan(&self) {
        self.interrupt.request_scan();
    }

    /// The node of a device. If another program has taken it, waits until it is back, or until it can no longer come back.
    pub(super) fn find(&self, device: &DeviceId) -> Found {
        let deadline = Instant::now() + MAX_GAP + MAX_RULES_DELAY;
        loop {
            let seen = self.interrupt.scans();
            let found = self.tracker().find(device);
            if found != Found::Taken || Instant::now() >= deadline {
                return found;
            }
            self.interrupt.wait_for_scan(seen, deadline);
            // No scan will come: the monitor thread has ended, or the time is up.
            if self.interrupt.scans() == seen {
                return found;
            }
        }
    }

    /// Reports all attached devices until it is stopped or the receiver is dropped.
    pub(super) fn run(&self, report: &mut dyn FnMut(Presence) -> bool) {
        let Some(_running) = self.interrupt.begin() else { return };
        // Before the first scan, so that no change is missed.
        let sources = Sources::open(self.sysfs.nodes());
        while !self.interrupt.is_stopping() {
            let requested = self.interrupt.requested();
            let (presence, again) = self.scan();
            if !report(presence) {
                return;
            }
            self.interrupt.complete(requested);
            sources.wait(&self.interrupt, again);
        }
    }

    /// Compares the nodes with those of the last scan. Returns what is attached, and when to scan again without a change.
    fn scan(&self) -> (Presence, Option<Instant>) {
        let kinds = self.kinds.lock().ignore_poison().clone();
        let nodes = self.sysfs.scan(&kinds);
        let sighting = |node: Node| {
            let is_denied = access::is_denied(&node.path)?;
            Some(Sighting { node, is_denied })
        };
        let sightings = nodes.into_iter().filter_map(sighting).collect();
        let now = Instant::now();
        let mut tracker = self.tracker();
        tracker.keep(&kinds);
        let again = tracker.update(sightings, now);
        (tracker.presence(now), again)
    }

    fn tracker(&self) -> MutexGuard<'_, Tracker> {
        self.tracker.lock().ignore_poison()
    }
}

impl Sources {
    fn open(nodes: &Path) -> Self {
        let uevents = Uevents::open();
        if let Err(error) = &uevents {
            tracing::warn!(%error, "messages of udev cannot be received, so HID tokens are found on request only");
        }
        Self { uevents: uevents.ok(), permissions: Permissions::watch(nodes).ok() }
    }

    /// Waits for a change of HID keys, for an interruption, or until `until`.
    fn wait(&self, interrupt: &Interrupt, until: Option<Instant>) {
        let fallback = interrupt.descriptor().is_none().then(|| Instant::now() + UNINTERRUPTIBLE_WAIT);
        let until = [until, fallback].into_iter().flatten().min();
        loop {
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            let descriptors = [
                interrupt.descriptor(),
                self.uevents.as_ref().map(AsFd::as_fd),
                self.permissions.as_ref().map(AsFd::as_fd),
            ];
            let mut polled: Vec<_> = descriptors
                .into_iter()
                .flatten()
                .map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN))
                .collect();
            let timeout = left.and_then(|left| Timespec::try_from(left).ok());
            let ready = poll(&mut polled, timeout.as_ref()).unwrap_or_default();
            let is_due = until.is_some_and(|until| until <= Instant::now());
            let is_interrupted = interrupt.descriptor().is_some()
                && polled.first().is_some_and(|interrupt| !interrupt.revents().is_empty());
            if is_due || is_interrupted || ready > 0 && self.have_changed() {
                return;
            }
        }
    }

    /// Reads all pending events. Returns whether one of them is about HID keys.
    fn have_changed(&self) -> bool {
        let by_udev = self.uevents.as_ref().is_some_and(Uevents::has_changed);
        let in_access = self.permissions.as_ref().is_some_and(Permissions::have_changed);
        by_udev || in_access
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::UsbInterface;
    use crate::transport::hid::sysfs::Place;

    #[test]
    fn without_a_monitor_thread_a_taken_node_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::of(folder.path()).unwrap();
        let usb =
            UsbInterface { vendor: 0x1050, product: 0x0407, serial: None, number: Some(0), parent: None };
        let (path, parent) = (folder.path().join("hidraw0"), place.clone());
        let node = Node { path, place, parent, interface: "1-1:1.0".into(), usb, kind: HidKind::Keyboard };
        let monitor = Monitor::new();
        let started = Instant::now();
        monitor.tracker().update(vec![Sighting { node, is_denied: false }], started);
        let device = monitor.tracker().presence(started).devices.remove(0).id;
        monitor.tracker().update(Vec::new(), started);
        assert_eq!(monitor.find(&device), Found::Taken);
        assert!(started.elapsed() < MAX_GAP + MAX_RULES_DELAY);
    }
}
