//! Open HID nodes. hidapi exchanges the reports and checks no lengths. Those of sent reports are checked here, and those of
//! received ones by the protocols, which leave the key ready for the next request. A feature report is requested with its
//! right length, so one that is too long arrives cut off: a key that sends just as much as it has of a longer request must end
//! it with an empty packet, and not every firmware may do that.

use std::ffi::{CString, OsString};
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use hidapi::{HidApi, HidDevice};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::io::Errno;
use zeroize::Zeroizing;

use super::failure::{self, Failure};
use super::sysfs::{Node, Place};
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

/// An open node.
pub(super) struct HidReports {
    device: HidDevice,
    /// A second descriptor of the node, for the lock and to see whether the node is gone: hidapi shows none of its own.
    node: File,
    is_locked: bool,
    kind: HidKind,
    name: OsString,
    parent: Place,
}

impl HidReports {
    /// Opens a node. Nothing is sent.
    pub(super) fn open(found: Node) -> Result<Self, Error> {
        let node = open_node(&found.path).map_err(|error| opening(&error, found.kind))?;
        let path = CString::new(found.path.as_os_str().as_bytes()).map_err(|_| Error::Removed)?;
        let device = api()?.open_path(&path);
        // The number of a node is used again, so both descriptors may be those of another device.
        if !found.place.is_present() {
            return Err(gone(&found.parent));
        }
        let device = device.map_err(|error| Error::Failed(format!("HID: {error}")))?;
        let Node { kind, interface: name, parent, .. } = found;
        Ok(Self { device, node, is_locked: false, kind, name, parent })
    }

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
            let left = deadline.saturating_duration_since(Instant::now());
            // Rounded up, so that the last wait does not become a busy loop.
            let millis = i32::try_from(left.as_micros().div_ceil(1000)).unwrap_or(i32::MAX);
            match self.device.read_timeout(&mut *buffer, millis) {
                Ok(0) if Instant::now() >= deadline => return Ok(0),
                Ok(0) => {}
                Ok(length) => return Ok(copy(buffer.get(..length).unwrap_or_default(), report)),
                Err(error) => self.check(failure::of_hidapi(&error))?,
            }
        }
    }

    /// Runs an exchange again if a signal has ended it.
    fn repeated<T>(&self, mut run: impl FnMut() -> Result<T, hidapi::HidError>) -> Result<T, Error> {
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
            Failure::Unanswered | Failure::Missing(_) if is_gone(&self.node, NODE_REMOVAL_TIMEOUT) => {
                Err(gone(&self.parent))
            }
            Failure::Other(_) if is_gone(&self.node, OTHER_FAILURE_TIMEOUT) => Err(gone(&self.parent)),
            Failure::Unanswered => {
                Err(Error::NoAnswer("HID: the key does not carry out a transfer".to_owned()))
            }
            Failure::Missing(text) | Failure::Other(text) => Err(Error::Failed(text)),
        }
    }
}

impl Reports for HidReports {
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
            HidKind::Fido => self.input(report, Instant::now() + timeout),
        })
    }

    fn lock(&mut self, timeout: Duration) -> Result<(), Error> {
        let deadline = Instant::now() + timeout;
        while !self.is_locked {
            match flock(&self.node, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => self.is_locked = true,
                Err(Errno::INTR) => {}
                Err(Errno::WOULDBLOCK) if Instant::now() >= deadline => return Err(Error::Busy),
                Err(Errno::WOULDBLOCK) => thread::sleep(LOCK_INTERVAL),
                Err(error) => self.check(failure::of_system(error))?,
            }
        }
        Ok(())
    }

    fn unlock(&mut self) {
        self.is_locked = false;
        // An error means that the descriptor has no lock.
        let _ = flock(&self.node, FlockOperation::Unlock);
    }
}

/// Whether the kernel removes the node within `timeout`. When a key is unplugged, an exchange may fail before that.
fn is_gone(node: &impl AsFd, timeout: Duration) -> bool {
    let deadline = Instant::now() + timeout;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let mut polled = [PollFd::new(node, PollFlags::empty())];
        match poll(&mut polled, Timespec::try_from(left).ok().as_ref()) {
            Err(Errno::INTR) => {}
            result => return result.is_ok_and(|ready| ready > 0),
        }
    }
}

/// Copies a report, and returns its length, which may be higher than that of `report`.
fn copy(received: &[u8], report: &mut [u8]) -> usize {
    report.iter_mut().zip(received).for_each(|(to, from)| *to = *from);
    received.len()
}

/// The context of hidapi. Each new context reads all HID devices of sysfs, so there is only one.
fn api() -> Result<&'static HidApi, Error> {
    static API: OnceLock<Result<HidApi, String>> = OnceLock::new();
    let api = API.get_or_init(|| HidApi::new().map_err(|error| error.to_string()));
    api.as_ref().map_err(|error| Error::Failed(format!("HID: {error}")))
}

fn open_node(path: &Path) -> io::Result<File> {
    let flags = (OFlags::NONBLOCK | OFlags::NOFOLLOW).bits().cast_signed();
    OpenOptions::new().read(true).write(true).custom_flags(flags).open(path)
}

/// The error of opening a node; hidapi has the reason as text only.
fn opening(error: &io::Error, kind: HidKind) -> Error {
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
fn gone(parent: &Place) -> Error {
    let deadline = Instant::now() + REMOVAL_TIMEOUT;
    while parent.is_present() {
        if Instant::now() >= deadline {
            return Error::Reset;
        }
        thread::sleep(REMOVAL_INTERVAL);
    }
    Error::Removed
}

fn wrong_length() -> Error {
    Error::Failed("HID: the length does not fit the reports of the device".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The end of a pipe whose other end is closed is polled like a node without a device.
    #[test]
    fn a_node_is_gone_as_soon_as_the_kernel_has_removed_it() {
        let (node, device) = io::pipe().unwrap();
        assert!(!is_gone(&node, Duration::from_millis(1)), "it is still there");
        let removal = thread::spawn(move || {
            thread::sleep(Duration::from_millis(50));
            drop(device);
        });
        assert!(is_gone(&node, Duration::from_secs(60)));
        removal.join().unwrap();
        assert!(is_gone(&node, Duration::ZERO), "it is gone for good");
    }
}
