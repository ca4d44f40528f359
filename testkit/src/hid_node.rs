//! A HID device through the crate hidapi, as other programs use it: without locks and without checks of lengths.

use std::ffi::CString;
use std::io;
use std::sync::OnceLock;
use std::time::Duration;

use hidapi::{HidApi, HidDevice};
use oathbridge::device::{Error, HidKind, Reports};

/// The space for a feature report with its number.
const MAX_FEATURE_BYTES: usize = 65;

/// An open device. Its reports have no numbers.
pub struct HidNode {
    device: HidDevice,
    kind: HidKind,
}

impl HidNode {
    /// Opens the device at this path, for example `/dev/hidraw0`.
    ///
    /// # Errors
    ///
    /// If the device does not exist, or if the user has no access to it.
    pub fn open(path: &str, kind: HidKind) -> io::Result<Self> {
        let device = api()?.open_path(&CString::new(path)?).map_err(io::Error::other)?;
        Ok(Self { device, kind })
    }
}

impl Reports for HidNode {
    fn kind(&self) -> HidKind {
        self.kind
    }

    fn send(&mut self, report: &[u8]) -> Result<(), Error> {
        let numbered = [&[0], report].concat();
        let sent = match self.kind {
            HidKind::Fido => self.device.write(&numbered).map(drop),
            _ => self.device.send_feature_report(&numbered),
        };
        sent.map_err(failed)
    }

    fn receive(&mut self, report: &mut [u8], timeout: Duration) -> Result<usize, Error> {
        if self.kind == HidKind::Fido {
            let millis = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
            return self.device.read_timeout(report, millis).map_err(failed);
        }
        let mut numbered = [0; MAX_FEATURE_BYTES];
        let length = self.device.get_feature_report(&mut numbered).map_err(failed)?;
        let received = numbered.get(1..length).unwrap_or_default();
        report.iter_mut().zip(received).for_each(|(to, from)| *to = *from);
        Ok(received.len())
    }
}

/// The context of hidapi. Each new context reads all HID devices of sysfs, so there is only one.
fn api() -> io::Result<&'static HidApi> {
    static API: OnceLock<Result<HidApi, String>> = OnceLock::new();
    let api = API.get_or_init(|| HidApi::new().map_err(|error| error.to_string()));
    api.as_ref().map_err(|error| io::Error::other(error.clone()))
}

fn failed(error: hidapi::HidError) -> Error {
    Error::Failed(error.to_string())
}
