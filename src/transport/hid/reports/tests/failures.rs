//! The error of a failed exchange, and how long the kernel has to remove the node before the error is returned.

use std::{fmt, io};

use super::*;

/// The error of an exchange that fails at once, and the time after it. The kernel removes the node and the USB device at these
/// times, if at all.
fn outcome(
    exchange: &Exchange,
    removed: Option<Duration>,
    parent_removed: Option<Duration>,
) -> (Error, Duration) {
    let fake = Fake::quick([Err((exchange.failure)())]);
    fake.remove(removed, parent_removed);
    let mut reports = fake.reports(exchange.kind);
    let error = match exchange.is_sent {
        true => reports.send(&vec![7; exchange.kind.report_bytes()]).unwrap_err(),
        false => reports.receive(&mut [0; 64], LONG).unwrap_err(),
    };
    (error, fake.elapsed())
}

/// An exchange that fails, and whether it sends a report.
struct Exchange {
    kind: HidKind,
    is_sent: bool,
    failure: fn() -> HidError,
}

impl fmt::Debug for Exchange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.is_sent { "sent" } else { "received" };
        write!(formatter, "{:?}, {what}, {}", self.kind, (self.failure)())
    }
}

/// Whether the error has the text of the failure.
fn is_failed(error: &Error, exchange: &Exchange) -> bool {
    matches!(error, Error::Failed(text) if text.contains(&(exchange.failure)().to_string()))
}

const fn received(kind: HidKind, failure: fn() -> HidError) -> Exchange {
    Exchange { kind, is_sent: false, failure }
}

const fn sent(kind: HidKind, failure: fn() -> HidError) -> Exchange {
    Exchange { kind, is_sent: true, failure }
}

/// Feature reports that the key does not carry out, the output report for one that is pulled out, and such an input report.
const UNANSWERED: [Exchange; 4] = [
    received(HidKind::Keyboard, || text("ioctl (GFEATURE): EPROTO: Protocol error")),
    sent(HidKind::Keyboard, || text("ioctl (SFEATURE): ETIMEDOUT: Connection timed out")),
    sent(HidKind::Fido, || io_error(Errno::PROTO)),
    received(HidKind::Fido, || io_error(Errno::PROTO)),
];

/// The node of a device that is gone. Only a wait for an input report has the text without a number.
const MISSING: [Exchange; 4] = [
    received(HidKind::Keyboard, || text("ioctl (GFEATURE): ENODEV: No such device")),
    received(HidKind::Fido, || text("unexpected poll error (device disconnected)")),
    received(HidKind::Fido, || io_error(Errno::NODEV)),
    sent(HidKind::Fido, || io_error(Errno::NODEV)),
];

/// Failures that do not say whether the device is gone.
const OTHER: [Exchange; 4] = [
    received(HidKind::Keyboard, || text("ioctl (GFEATURE): EPIPE: Broken pipe")),
    received(HidKind::Fido, || io_error(Errno::IO)),
    sent(HidKind::Fido, || io_error(Errno::IO)),
    // A report that is longer than its request.
    received(HidKind::Keyboard, || {
        text("ioctl (GFEATURE): EOVERFLOW: Value too large for defined data type")
    }),
];

#[test]
fn a_key_is_removed_if_the_kernel_removes_its_node_within_a_second() {
    for exchange in UNANSWERED.iter().chain(&MISSING) {
        for gap in [0, 256, 900, 1_000] {
            let removed = Some(ms(gap));
            assert_eq!(
                outcome(exchange, removed, removed),
                (Error::Removed, ms(gap)),
                "{exchange:?} {gap} ms"
            );
        }
    }
}

#[test]
fn a_key_whose_node_stays_for_a_second_has_not_answered_or_has_failed() {
    for removed in [None, Some(ms(1_001)), Some(ms(1_100))] {
        for exchange in &UNANSWERED {
            let (error, time) = outcome(exchange, removed, removed);
            assert!(matches!(&error, Error::NoAnswer(_)), "{exchange:?} {removed:?}: {error:?}");
            assert_eq!(time, ms(1_000), "{exchange:?}");
        }
        for exchange in &MISSING {
            let (error, time) = outcome(exchange, removed, removed);
            assert!(is_failed(&error, exchange), "{exchange:?} {removed:?}: {error:?}");
            assert_eq!(time, ms(1_000), "{exchange:?}");
        }
    }
}

/// Other programs wait for the lock meanwhile.
#[test]
fn after_another_failure_the_kernel_has_300_ms() {
    for exchange in &OTHER {
        for gap in [0, 250, 300] {
            let removed = Some(ms(gap));
            assert_eq!(
                outcome(exchange, removed, removed),
                (Error::Removed, ms(gap)),
                "{exchange:?} {gap} ms"
            );
        }
        for removed in [None, Some(ms(301)), Some(ms(1_000))] {
            let (error, time) = outcome(exchange, removed, removed);
            assert!(is_failed(&error, exchange), "{exchange:?} {removed:?}: {error:?}");
            assert_eq!(time, ms(300), "{exchange:?}");
        }
    }
}

/// Another program that takes the interface from the kernel's driver removes only the node.
#[test]
fn a_node_without_its_usb_device_is_a_removal_and_one_with_it_is_a_reset() {
    for exchange in UNANSWERED.iter().chain(&MISSING).chain(&OTHER) {
        for (parent_removed, expected, time) in [
            (Some(200), Error::Removed, 200),
            (Some(300), Error::Removed, 300),
            (Some(495), Error::Removed, 500),
            (Some(500), Error::Removed, 500),
            (Some(501), Error::Reset, 500),
            (None, Error::Reset, 500),
        ] {
            let seen = outcome(exchange, Some(ms(200)), parent_removed.map(ms));
            assert_eq!(seen, (expected, ms(time)), "{exchange:?} {parent_removed:?}");
        }
    }
}

#[test]
fn refused_access_is_reported_at_once() {
    for exchange in [
        received(HidKind::Keyboard, || text("ioctl (GFEATURE): EACCES: Permission denied")),
        received(HidKind::Fido, || io_error(Errno::ACCESS)),
        sent(HidKind::Fido, || io_error(Errno::ACCESS)),
    ] {
        let denied = (Problem::HidDenied(exchange.kind).into(), Duration::ZERO);
        assert_eq!(outcome(&exchange, None, None), denied, "{exchange:?}");
    }
}

#[test]
fn every_failure_to_open_a_node_has_its_error() {
    let error = |errno: Errno| opening(&errno.into(), HidKind::Fido);
    for denied in [Errno::ACCESS, Errno::PERM] {
        assert_eq!(error(denied), Problem::HidDenied(HidKind::Fido).into());
    }
    assert_eq!(error(Errno::BUSY), Error::Busy);
    // The node has changed since the last scan, which the caller repeats.
    for changed in [Errno::NOENT, Errno::NODEV, Errno::NXIO] {
        assert_eq!(error(changed), Error::Reset, "{changed}");
    }
    assert!(matches!(error(Errno::MFILE), Error::Failed(_)));
    assert!(matches!(opening(&io::Error::other("no number"), HidKind::Fido), Error::Failed(_)));
}
