//! Classifies the errors of hidapi and of the system.

use std::io;

use hidapi::HidError;
use rustix::io::Errno;

/// Why an exchange failed. A node that is gone is told by its descriptor, because the kernel and hidapi have three forms for
/// it: the text of a poll, ENODEV, and the text of an ioctl.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// A signal; the exchange may be repeated.
    Interrupted,
    /// The system refuses access.
    Denied,
    /// The device did not carry out a transfer in the 5 s that the kernel gives it (`USB_CTRL_GET_TIMEOUT` and
    /// `USB_CTRL_SET_TIMEOUT` in `include/linux/usb.h`), or did not answer on the bus at all, as one that is pulled out
    /// (`EPROTO`, `EILSEQ` or `ETIME`, by the controller, in `Documentation/driver-api/usb/error-codes.rst`).
    Unanswered,
    /// The kernel says that it has no device, or that it shuts it down (`ENODEV`, `ESHUTDOWN`), with the text of the library.
    Missing(String),
    /// Anything else, with the text of the library.
    Other(String),
}

pub(super) fn of_hidapi(error: &HidError) -> Failure {
    match error {
        HidError::IoError { error } => of_io(error),
        // The errors of an ioctl are text: the name of the number, and what it means.
        HidError::HidApiError { message } if message.contains("EINTR") => Failure::Interrupted,
        HidError::HidApiError { message } if message.contains("EACCES") => Failure::Denied,
        // ETIMEDOUT begins like ETIME.
        HidError::HidApiError { message } if names(message, &["ETIME", "EPROTO", "EILSEQ"]) => {
            Failure::Unanswered
        }
        HidError::HidApiError { message } if names(message, &["ENODEV", "ESHUTDOWN", "disconnected"]) => {
            Failure::Missing(format!("HID: {error}"))
        }
        error => Failure::Other(format!("HID: {error}")),
    }
}

fn names(message: &str, names: &[&str]) -> bool {
    names.iter().any(|name| message.contains(name))
}

pub(super) fn of_system(error: Errno) -> Failure {
    of_io(&error.into())
}

fn of_io(error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::Interrupted => Failure::Interrupted,
        io::ErrorKind::PermissionDenied => Failure::Denied,
        io::ErrorKind::TimedOut => Failure::Unanswered,
        _ if is_one_of(error, &[Errno::PROTO, Errno::ILSEQ, Errno::TIME]) => Failure::Unanswered,
        _ if is_one_of(error, &[Errno::NODEV, Errno::SHUTDOWN]) => Failure::Missing(format!("HID: {error}")),
        _ => Failure::Other(format!("HID: {error}")),
    }
}

/// Whether the error means that the node has no device.
pub(super) fn is_missing(error: &io::Error) -> bool {
    is_one_of(error, &[Errno::NODEV, Errno::NXIO])
}

fn is_one_of(error: &io::Error, numbers: &[Errno]) -> bool {
    numbers.iter().any(|number| error.raw_os_error() == Some(number.raw_os_error()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(message: &str) -> HidError {
        HidError::HidApiError { message: message.to_owned() }
    }

    #[test]
    fn signals_and_refusals_are_told_from_other_failures() {
        let os = |errno: Errno| HidError::IoError { error: errno.into() };
        assert_eq!(of_hidapi(&os(Errno::INTR)), Failure::Interrupted);
        assert_eq!(
            of_hidapi(&text("ioctl (GFEATURE): EINTR: Interrupted system call")),
            Failure::Interrupted
        );
        assert_eq!(of_hidapi(&os(Errno::ACCESS)), Failure::Denied);
        assert_eq!(of_hidapi(&text("ioctl (GFEATURE): EACCES: Permission denied")), Failure::Denied);
        for error in [
            os(Errno::TIMEDOUT),
            os(Errno::PROTO),
            os(Errno::ILSEQ),
            os(Errno::TIME),
            text("ioctl (GFEATURE): ETIMEDOUT: Connection timed out"),
            text("ioctl (GFEATURE): EPROTO: Protocol error"),
            text("ioctl (GFEATURE): EILSEQ: Illegal byte sequence"),
            text("ioctl (GFEATURE): ETIME: Timer expired"),
        ] {
            assert_eq!(of_hidapi(&error), Failure::Unanswered, "{error}");
        }
        for error in [
            os(Errno::NODEV),
            os(Errno::SHUTDOWN),
            text("ioctl (GFEATURE): ENODEV: No such device"),
            text("ioctl (GFEATURE): ESHUTDOWN: Cannot send after transport endpoint shutdown"),
            text("unexpected poll error (device disconnected)"),
        ] {
            assert!(matches!(of_hidapi(&error), Failure::Missing(_)), "{error}");
        }
        for error in
            [text("ioctl (GFEATURE): EPIPE: Broken pipe"), HidError::IncompleteSendError { sent: 1, all: 9 }]
        {
            assert!(matches!(of_hidapi(&error), Failure::Other(_)), "{error}");
        }
        assert_eq!(of_system(Errno::INTR), Failure::Interrupted);
    }

    #[test]
    fn a_node_without_a_device_is_missing() {
        assert!(is_missing(&Errno::NODEV.into()));
        assert!(is_missing(&Errno::NXIO.into()));
        assert!(!is_missing(&Errno::IO.into()));
    }
}
