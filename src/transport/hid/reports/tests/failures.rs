//! The error of a failed exchange, and how long the kernel has to remove the node before it.

use std::io;

use super::*;

/// The error of an exchange that fails at once, and the time after it. The kernel removes the node and the USB device at these
/// times, if at all.
fn outcome(
    failure: HidError,
    removed: Option<Duration>,
    parent_removed: Option<Duration>,
) -> (Error, Duration) {
    let fake = Fake::quick([Err(failure)]);
    fake.remove(removed, parent_removed);
    let error = fake.reports(HidKind::Keyboard).receive(&mut [0; 8], Duration::ZERO).unwrap_err();
    (error, fake.elapsed())
}

/// A key that does not carry out a transfer, the node of a device that has gone, and a failure that says nothing of that.
fn unanswered() -> HidError {
    text("ioctl (GFEATURE): EPROTO: Protocol error")
}

fn missing() -> HidError {
    text("unexpected poll error (device disconnected)")
}

fn other() -> HidError {
    text("ioctl (GFEATURE): EPIPE: Broken pipe")
}

#[test]
fn a_key_is_removed_if_the_kernel_removes_its_node_within_a_second() {
    for failure in [unanswered, missing] {
        for gap in [0, 256, 900, 1_000] {
            let removed = Some(ms(gap));
            assert_eq!(outcome(failure(), removed, removed), (Error::Removed, ms(gap)), "{gap} ms");
        }
    }
}

#[test]
fn a_key_whose_node_stays_for_a_second_has_not_answered_or_has_failed() {
    for removed in [None, Some(ms(1_001)), Some(ms(1_100))] {
        let (error, time) = outcome(unanswered(), removed, removed);
        assert!(matches!(&error, Error::NoAnswer(_)), "{removed:?}: {error:?}");
        assert_eq!(time, ms(1_000));
        let (error, time) = outcome(missing(), removed, removed);
        assert!(
            matches!(&error, Error::Failed(text) if text.contains("disconnected")),
            "{removed:?}: {error:?}"
        );
        assert_eq!(time, ms(1_000));
    }
}

/// Other programs wait for the lock meanwhile.
#[test]
fn after_another_failure_the_kernel_has_300_ms() {
    for gap in [0, 250, 300] {
        let removed = Some(ms(gap));
        assert_eq!(outcome(other(), removed, removed), (Error::Removed, ms(gap)), "{gap} ms");
    }
    for removed in [None, Some(ms(301)), Some(ms(1_000))] {
        let (error, time) = outcome(other(), removed, removed);
        assert!(matches!(&error, Error::Failed(text) if text.contains("EPIPE")), "{removed:?}: {error:?}");
        assert_eq!(time, ms(300));
    }
}

/// Another program that takes the interface from the kernel's driver removes only the node.
#[test]
fn a_node_without_its_usb_device_is_a_removal_and_one_with_it_is_a_reset() {
    for failure in [unanswered, missing, other] {
        for (parent_removed, expected, time) in [
            (Some(200), Error::Removed, 200),
            (Some(300), Error::Removed, 300),
            (Some(495), Error::Removed, 500),
            (Some(500), Error::Removed, 500),
            (Some(501), Error::Reset, 500),
            (None, Error::Reset, 500),
        ] {
            let seen = outcome(failure(), Some(ms(200)), parent_removed.map(ms));
            assert_eq!(seen, (expected, ms(time)), "{parent_removed:?}");
        }
    }
}

#[test]
fn refused_access_and_a_length_that_the_controller_refuses_are_told_at_once_and_after_300_ms() {
    let denied = outcome(text("ioctl (GFEATURE): EACCES: Permission denied"), None, None);
    assert_eq!(denied, (Problem::HidDenied(HidKind::Keyboard).into(), Duration::ZERO));
    let (error, time) =
        outcome(text("ioctl (GFEATURE): EOVERFLOW: Value too large for defined data type"), None, None);
    assert!(matches!(&error, Error::Failed(text) if text.contains("EOVERFLOW")), "{error:?}");
    assert_eq!(time, ms(300));
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
