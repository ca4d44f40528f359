//! The transport of USB devices that exchange HID reports.
//!
//! It does not poll: udev's messages and changes of permissions wake it. It opens only devices of its table, each for one
//! request. If the system refuses access to one, the transport reports a [`Problem`] and goes on.

mod access;
mod descriptor;
mod failure;
mod monitor;
mod reports;
mod sysfs;
mod tracker;
mod udev_message;
mod uevents;

use self::monitor::Monitor;
use self::reports::HidReports;
use self::tracker::Found;
use crate::device::{DeviceId, Error, HidKind, Opened, Presence, Problem, Transport};
use crate::transport::changes;

/// The HID devices of the table.
pub struct HidTransport {
    monitor: Monitor,
}

impl Default for HidTransport {
    fn default() -> Self {
        Self::new()
    }
}

impl HidTransport {
    /// A transport that looks for nothing yet; see [`Transport::look_for`].
    pub fn new() -> Self {
        Self { monitor: Monitor::new() }
    }

    fn try_open(&self, device: &DeviceId) -> Result<HidReports, Error> {
        match self.monitor.find(device) {
            Found::Node(node) => HidReports::open(node),
            Found::Taken => Err(Error::Busy),
            Found::Denied(kind) => Err(Problem::HidDenied(kind).into()),
            Found::Removed => Err(Error::Removed),
        }
    }
}

impl Transport for HidTransport {
    fn name(&self) -> &'static str {
        "hid"
    }

    fn watch(&self, report: &mut dyn FnMut(Presence) -> bool) {
        self.monitor.run(&mut changes(report));
    }

    fn rescan(&self) {
        self.monitor.rescan();
    }

    fn look_for(&self, kinds: &[HidKind]) {
        self.monitor.look_for(kinds);
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
