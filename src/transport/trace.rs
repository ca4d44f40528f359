//! Logs exchanges: instruction, lengths in bytes, status word and duration in microseconds, but no data. Of HID reports it
//! logs direction, length and duration.

use std::ffi::OsStr;
use std::time::Instant;

use crate::device::Error;
use crate::iso7816::{Command, Response};

/// Runs one exchange and logs it at level TRACE.
pub(super) fn exchange(
    device: &OsStr,
    command: &Command,
    run: impl FnOnce() -> Result<Response, Error>,
) -> Result<Response, Error> {
    let device = device.display();
    let started = Instant::now();
    let result = run();
    let micros = started.elapsed().as_micros();
    let instruction = format_args!("{:02X}", command.instruction());
    let sent = command.data_len();
    match &result {
        Ok(Response { data, status }) => {
            tracing::trace!(%device, %instruction, sent, received = data.len(), %status, micros, "exchange");
        }
        Err(error) => tracing::trace!(%device, %instruction, sent, %error, micros, "exchange failed"),
    }
    result
}

/// Sends or receives one report, and logs its length in bytes at level TRACE.
pub(super) fn report(
    device: &OsStr,
    direction: &'static str,
    run: impl FnOnce() -> Result<usize, Error>,
) -> Result<usize, Error> {
    let device = device.display();
    let started = Instant::now();
    let result = run();
    let micros = started.elapsed().as_micros();
    match &result {
        Ok(length) => tracing::trace!(%device, direction, length, micros, "report"),
        Err(error) => tracing::trace!(%device, direction, %error, micros, "report failed"),
    }
    result
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::fmt::MakeWriter;

    use super::*;
    use crate::iso7816::Status;
    use crate::sync::IgnorePoison;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().ignore_poison().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Sink {
        type Writer = Self;

        fn make_writer(&'a self) -> Self {
            self.clone()
        }
    }

    #[test]
    fn a_log_shows_lengths_and_no_data() {
        let sink = Sink::default();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_writer(sink.clone())
            .finish();
        let command = Command::new(0xa3, 0, 0, vec![0x5a; 10]).unwrap();
        tracing::subscriber::with_default(subscriber, || {
            exchange(OsStr::new("reader"), &command, || {
                Ok(Response { data: vec![0x5b; 22], status: Status::OK })
            })
            .unwrap();
            exchange(OsStr::new("reader"), &command, || Err(Error::Removed)).unwrap_err();
            report(OsStr::new("1-1:1.0"), "sent", || Ok(8)).unwrap();
            report(OsStr::new("1-1:1.0"), "received", || Err(Error::Reset)).unwrap_err();
        });
        let log = String::from_utf8(sink.0.lock().unwrap().clone()).unwrap();
        let of_reports = ["1-1:1.0", "direction=\"sent\" length=8", "reset by another program"];
        for shown in
            ["A3", "sent=10", "received=22", "9000", "the token was removed"].into_iter().chain(of_reports)
        {
            assert!(log.contains(shown), "{shown} is missing in {log}");
        }
        for hidden in ["5a", "5A", "5b", "5B", "90, 9"] {
            assert!(!log.replace("9000", "").contains(hidden), "{hidden} is in {log}");
        }
    }
}
