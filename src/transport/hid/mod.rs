//! The transport of USB devices that exchange HID reports.
//!
//! It does not poll: udev's messages and changes of permissions wake it. It opens only devices of its table, each for one
//! request. If the system refuses access to one, the transport reports a [`Problem`] and goes on.

mod access;
mod descriptor;
mod failure;
mod interrupt;
pub mod models;
mod monitor;
mod reports;
mod sysfs;
mod tracker;
mod udev_message;
mod uevents;

use self::models::Kind;
use self::monitor::Monitor;
use self::reports::HidReports;
use self::tracker::Found;
use crate::device::{DeviceId, Error, Opened, Presence, Problem, Transport};

/// The HID devices of the table.
pub struct HidTransport {
    monitor: Monitor,
}

impl HidTransport {
    /// A transport for interfaces of these kinds.
    pub fn new(kinds: &[Kind]) -> Self {
        Self { monitor: Monitor::new(kinds) }
    }

    fn try_open(&self, device: &DeviceId) -> Result<HidReports, Error> {
        match self.monitor.find(device) {
            Found::Node(node) => HidReports::open(node),
            Found::Taken => Err(Error::Busy),
            Found::Denied => Err(Problem::HidDenied.into()),
            Found::Removed => Err(Error::Removed),
        }
    }
}

impl Transport for HidTransport {
    fn name(&self) -> &'static str {
        "hid"
    }

    fn watch(&self, report: &mut dyn FnMut(Presence) -> bool) {
        let mut last = None;
        self.monitor.run(&mut |presence| {
            if last.as_ref() == Some(&presence) {
                return true;
            }
            last = Some(presence.clone());
            report(presence)
        });
    }

    fn rescan(&self) {
        self.monitor.rescan();
    }

    fn stop(&self) {
        self.monitor.stop();
    }

    fn open(&self, device: &DeviceId) -> Result<Opened, Error> {
        let opened = match self.try_open(device) {
            // The node has changed since the last scan.
            Err(Error::Reset | Error::Transport(_)) => {
                self.monitor.rescan();
                self.try_open(device)
            }
            opened => opened,
        };
        Ok(Opened::Reports(Box::new(opened?)))
    }
}
