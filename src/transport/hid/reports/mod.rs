//! Open HID nodes. hidapi exchanges the reports and checks no lengths. Those of sent reports are checked here, and those of
//! received ones by the protocols, which leave the key ready for the next request.
//!
//! A feature report is requested with its right length, so one that is too long arrives cut off. A longer request would show
//! it. A key whose report fills its last packet must end such a request with an empty packet (USB 2.0, 8.5.3.2), and a
//! transfer without this packet does not end. Two signs of other lengths are noticed: a report descriptor that says so, whose
//! node is not opened, and a controller that receives more than it asked for (`EOVERFLOW` in
//! `Documentation/driver-api/usb/error-codes.rst`), which fails the exchange.

mod hidraw;
#[cfg(test)]
mod tests;
mod watch;

use std::ffi::OsString;
use std::io::ErrorKind;
use std::time::{Duration, Instant};

use hidapi::{HidDevice, HidError};
use rustix::io::Errno;
use zeroize::Zeroizing;

use self::hidraw::Hidraw;
use self::watch::{Watch, Watched};
use super::failure::{self, Failure};
use super::sysfs::Node;
use crate::device::{Error, HidKind, Problem, Reports};
use crate::transport::trace;

/// The maximum length of a report with its number, in bytes, and one byte more to notice a longer input report.
const BUFFER_BYTES: usize = 66;

/// The interval of attempts to take a lock.
const LOCK_INTERVAL: Duration = Duration::from_millis(20);

/// How long the kernel may need to remove the node of a USB device that no longer answers. It asks a hub for changes every 256
/// ms, and transfers fail before that.
const NODE_REMOVAL_TIMEOUT: Duration = Duration::from_secs(1);

/// The same after a failure that says nothing of that; other programs wait for the lock meanwhile.
const OTHER_FAILURE_TIMEOUT: Duration = Duration::from_millis(300);

/// How long the kernel may need to remove the USB device after its node, and the interval of looks for the USB device.
const REMOVAL_TIMEOUT: Duration = Duration::from_millis(300);
const REMOVAL_INTERVAL: Duration = Duration::from_millis(10);

/// An open node: its reports, and what the kernel says of it apart from them.
pub(super) struct HidReports<D = HidDevice, W = Watched> {
    device: D,
    node: W,
    is_locked: bool,
    kind: HidKind,
    name: OsString,
}

impl HidReports {
    /// Opens a node. Nothing is sent.
    pub(super) fn open(found: Node) -> Result<Self, Error> {
        let Node { path, place, parent, interface: name, kind, .. } = found;
        let node = Watched::open(&path, parent).map_err(|error| opening(&error, kind))?;
        let device = hidraw::open(&path)?;
        // The number of a node is used again, so both descriptors may be those of another device.
        if !place.is_present() {
            return Err(gone(&node));
        }
        let device = device.map_err(|error| Error::Failed(format!("HID: {error}")))?;
        Ok(Self { device, node, is_locked: false, kind, name })
    }
}

impl<D: Hidraw, W: Watch> HidReports<D, W> {
    fn exchange_feature(&self, report: &mut [u8]) -> Result<usize, Error> {
        let mut buffer = Zeroizing::new([0; BUFFER_BYTES]);
        let numbered = 1 + self.kind.report_bytes();
        let buffer = buffer.get_mut(..numbered).ok_or_else(wrong_length)?;
        let length = self.repeated(|| self.device.get_feature_report(buffer))?;
        Ok(copy(buffer.get(1..length).unwrap_or_default(), report))
    }

    /// Waits for an input report until `deadline`.
    fn input(&self, report: &mut [u8], deadline: Instant) -> Result<usize, Error> {
        let mut buffer = Zeroizing::new([0; BUFFER_BYTES]);
        loop {
            let left = deadline.saturating_duration_since(self.node.now());
            // Rounded up, so that the last wait does not become a busy loop.
            let millis = i32::try_from(left.as_micros().div_ceil(1000)).unwrap_or(i32::MAX);
            match self.device.read_timeout(&mut *buffer, millis) {
                Ok(0) if self.node.now() >= deadline => return Ok(0),
                Ok(0) => {}
                Ok(length) => return Ok(copy(buffer.get(..length).unwrap_or_default(), report)),
                Err(error) => self.check(failure::of_hidapi(&error))?,
            }
        }
    }

    /// Runs an exchange again if a signal has ended it.
    fn repeated<T>(&self, mut run: impl FnMut() -> Result<T, HidError>) -> Result<T, Error> {
        loop {
            match run() {
                Ok(value) => return Ok(value),
                Err(error) => self.check(failure::of_hidapi(&error))?,
            }
        }
    }

    /// The error of a failure; `Ok` if it was only a signal.
    fn check(&self, failure: Failure) -> Result<(), Error> {
        match failure {
            Failure::Interrupted => Ok(()),
            Failure::Denied => Err(Problem::HidDenied(self.kind).into()),
            Failure::Unanswered | Failure::Missing(_) if self.node.is_gone(NODE_REMOVAL_TIMEOUT) => {
                Err(gone(&self.node))
            }
            Failure::Other(_) if self.node.is_gone(OTHER_FAILURE_TIMEOUT) => Err(gone(&self.node)),
            Failure::Unanswered => {
                Err(Error::NoAnswer("HID: the key does not carry out a transfer".to_owned()))
            }
            Failure::Missing(text) | Failure::Other(text) => Err(Error::Failed(text)),
        }
    }
}

impl<D: Hidraw, W: Watch> Reports for HidReports<D, W> {
    fn kind(&self) -> HidKind {
        self.kind
    }

    fn send(&mut self, report: &[u8]) -> Result<(), Error> {
        let (expected, sent) = (self.kind.report_bytes(), report.len());
        if sent != expected {
            return Err(wrong_length());
        }
        trace::report(&self.name, "sent", || {
            let mut numbered = Zeroizing::new(Vec::with_capacity(1 + sent));
            numbered.push(0);
            numbered.extend_from_slice(report);
            let written = self.repeated(|| match self.kind {
                HidKind::Keyboard | HidKind::NitrokeyPro => {
                    self.device.send_feature_report(&numbered).map(|()| numbered.len())
                }
                HidKind::Fido => self.device.write(&numbered),
            })?;
            if written != numbered.len() {
                return Err(Error::Failed(format!("HID: {written} of {} bytes were sent", numbered.len())));
            }
            Ok(sent)
        })
        .map(drop)
    }

    fn receive(&mut self, report: &mut [u8], timeout: Duration) -> Result<usize, Error> {
        if report.len() < self.kind.report_bytes() {
            return Err(wrong_length());
        }
        trace::report(&self.name, "received", || match self.kind {
            HidKind::Keyboard | HidKind::NitrokeyPro => self.exchange_feature(report),
            HidKind::Fido => self.input(report, self.node.now() + timeout),
        })
    }

    fn lock(&mut self, timeout: Duration) -> Result<(), Error> {
        let deadline = self.node.now() + timeout;
        while !self.is_locked {
            match self.node.try_lock() {
                Ok(()) => self.is_locked = true,
                Err(Errno::INTR) => {}
                Err(Errno::WOULDBLOCK) if self.node.now() >= deadline => return Err(Error::Busy),
                Err(Errno::WOULDBLOCK) => self.node.pause(LOCK_INTERVAL),
                Err(error) => self.check(failure::of_system(error))?,
            }
        }
        Ok(())
    }

    fn unlock(&mut self) {
        self.is_locked = false;
        self.node.unlock();
    }
}

/// Copies a report, and returns its length, which may be higher than that of `report`.
fn copy(received: &[u8], report: &mut [u8]) -> usize {
    report.iter_mut().zip(received).for_each(|(to, from)| *to = *from);
    received.len()
}

/// The error of opening a node; hidapi has the reason as text only.
fn opening(error: &std::io::Error, kind: HidKind) -> Error {
    match error.kind() {
        ErrorKind::PermissionDenied => Problem::HidDenied(kind).into(),
        ErrorKind::ResourceBusy => Error::Busy,
        // Another program may have taken the interface since the last scan.
        ErrorKind::NotFound => Error::Reset,
        _ if failure::is_missing(error) => Error::Reset,
        _ => Error::Failed(format!("HID: the node cannot be opened ({error})")),
    }
}

/// The error of a node that is gone: the key is unplugged, or another program has taken the interface for a moment. When a key
/// is unplugged, the kernel removes its nodes first.
fn gone(node: &impl Watch) -> Error {
    let deadline = node.now() + REMOVAL_TIMEOUT;
    while node.has_parent() {
        if node.now() >= deadline {
            return Error::Reset;
        }
        node.pause(REMOVAL_INTERVAL);
    }
    Error::Removed
}

fn wrong_length() -> Error {
    Error::Failed("HID: the length does not fit the reports of the device".to_owned())
}
