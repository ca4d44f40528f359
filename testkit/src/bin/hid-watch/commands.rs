//! Commands to the first attached device.

use std::error::Error;
use std::time::{Duration, Instant};

use oathbridge::device::{self, DeviceId, HidKind, Opened, Reports, Transport};

/// How long a report may take. The emulated processor is slow.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A timeout that passes.
const SHORT_TIMEOUT: Duration = Duration::from_millis(300);

/// The allocation of a channel, and the begin of its response: INIT with a nonce of 8 bytes (CTAP 2.1, section 11.2.9.1.3).
const ALLOCATE: [u8; 15] = [255, 255, 255, 255, 0x86, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8];
const ANSWERED: [u8; 15] = [255, 255, 255, 255, 0x86, 0, 17, 1, 2, 3, 4, 5, 6, 7, 8];

/// Runs a command; returns what to print.
pub(super) fn run(
    transport: &dyn Transport,
    device: &DeviceId,
    kind: HidKind,
    command: &str,
) -> Result<String, Box<dyn Error>> {
    let Opened::Reports(mut reports) = transport.open(device)? else {
        return Err("it exchanges APDUs".into());
    };
    match command {
        "exchange" => exchange(&mut *reports, kind),
        "lengths" => lengths(&mut *reports, kind),
        "lock" => {
            reports.lock(SHORT_TIMEOUT)?;
            reports.unlock();
            Ok("locked and unlocked".to_owned())
        }
        "wait" => {
            let length = reports.receive(&mut [0; 64], TIMEOUT)?;
            Ok(format!("received {length} bytes"))
        }
        _ => Err("this is no command".into()),
    }
}

/// One exchange under the lock: an abort and the status of a keyboard, or a channel of an authenticator.
fn exchange(reports: &mut dyn Reports, kind: HidKind) -> Result<String, Box<dyn Error>> {
    reports.lock(TIMEOUT)?;
    let mut sent = match kind {
        HidKind::Keyboard => vec![0, 0, 0, 0, 0, 0, 0, 0xff],
        HidKind::NitrokeyPro => Vec::new(),
        HidKind::Fido => ALLOCATE.to_vec(),
    };
    sent.resize(kind.report_bytes(), 0);
    reports.send(&sent)?;
    let mut received = [0; 64];
    let length = reports.receive(&mut received, TIMEOUT)?;
    reports.unlock();
    let received = received.get(..length).unwrap_or_default();
    match kind {
        HidKind::Keyboard => match received {
            [0, major, minor, patch, ..] => Ok(format!("firmware {major}.{minor}.{patch}")),
            _ => Err("this is no status".into()),
        },
        HidKind::NitrokeyPro => Ok("a report".to_owned()),
        HidKind::Fido if received.starts_with(&ANSWERED) => Ok("a channel".to_owned()),
        HidKind::Fido => Err("this is no channel".into()),
    }
}

/// Reports and buffers of other lengths are refused, and a wait ends at its timeout.
fn lengths(reports: &mut dyn Reports, kind: HidKind) -> Result<String, Box<dyn Error>> {
    let bytes = kind.report_bytes();
    for wrong in [0, 1, bytes - 1, bytes + 1] {
        if reports.send(&vec![0; wrong]).is_ok() {
            return Err(format!("a report of {wrong} bytes was sent").into());
        }
    }
    if reports.receive(&mut vec![0; bytes - 1], SHORT_TIMEOUT) == Ok(bytes) {
        return Err("a short buffer was filled".into());
    }
    if kind == HidKind::Fido {
        let started = Instant::now();
        let nothing: Result<usize, device::Error> = reports.receive(&mut [0; 64], SHORT_TIMEOUT);
        if nothing != Ok(0) || started.elapsed() < SHORT_TIMEOUT {
            return Err("a wait for nothing did not end at its timeout".into());
        }
    }
    Ok("other lengths are refused".to_owned())
}
