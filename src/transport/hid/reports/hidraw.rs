//! The reports of a node, as hidapi exchanges them.

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::OnceLock;

use hidapi::{HidApi, HidDevice, HidResult};

use crate::device::Error;

/// The functions of hidapi that exchange reports. Sent and feature reports begin with the report number 0.
pub(in crate::transport::hid) trait Hidraw: Send {
    /// Sends an output report. Returns the number of bytes that were sent.
    fn write(&self, numbered: &[u8]) -> HidResult<usize>;

    /// Waits for an input report for `millis` ms. Returns its length in bytes, or 0 if there is none.
    fn read_timeout(&self, report: &mut [u8], millis: i32) -> HidResult<usize>;

    /// Sends a feature report.
    fn send_feature_report(&self, numbered: &[u8]) -> HidResult<()>;

    /// Requests a feature report. Returns its length in bytes, with the report number.
    fn get_feature_report(&self, numbered: &mut [u8]) -> HidResult<usize>;
}

impl Hidraw for HidDevice {
    fn write(&self, numbered: &[u8]) -> HidResult<usize> {
        self.write(numbered)
    }

    fn read_timeout(&self, report: &mut [u8], millis: i32) -> HidResult<usize> {
        self.read_timeout(report, millis)
    }

    fn send_feature_report(&self, numbered: &[u8]) -> HidResult<()> {
        self.send_feature_report(numbered)
    }

    fn get_feature_report(&self, numbered: &mut [u8]) -> HidResult<usize> {
        self.get_feature_report(numbered)
    }
}

/// Opens a node with hidapi.
pub(super) fn open(path: &Path) -> Result<HidResult<HidDevice>, Error> {
    let path = CString::new(path.as_os_str().as_bytes()).map_err(|_| Error::Removed)?;
    Ok(api()?.open_path(&path))
}

/// The context of hidapi. Each new context reads all HID devices of sysfs, so there is only one.
fn api() -> Result<&'static HidApi, Error> {
    static API: OnceLock<Result<HidApi, String>> = OnceLock::new();
    let api = API.get_or_init(|| HidApi::new().map_err(|error| error.to_string()));
    api.as_ref().map_err(|error| Error::Failed(format!("HID: {error}")))
}
