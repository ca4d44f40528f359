//! `usb-key VENDOR PRODUCT [PORT [PIN]]`: attaches a virtual USB key to the kernel (module vhci-hcd), as root, until it is
//! killed. Each empty line on standard input is a touch. Each report for the FIDO interface, and each feature report for the
//! other one or from it, is a line on standard error.
//!
//! The key has the keyboard interface of a virtual YubiKey, whose slots have the key of RFC 6238, appendix B; slot 1
//! requires a touch. It also has the FIDO interface of a virtual Nitrokey 3 with two credentials of that key; `bob`
//! requires a touch. If there is a PIN, it protects a third one, `frank`. Its smart card is that of the Nitrokey for
//! Nitrokey's vendor id, else that of the YubiKey, with the credential `carol` of that key. PORT is 0 if it
//! is missing; the serial numbers are higher by PORT.
//!
//! With the vendor id of Token2 the FIDO interface and the smart card are those of a virtual Token2 PIN+ with `alice`, `bob`
//! and `counter`, which the PIN locks if there is one. With the ids of an OnlyKey there is no smart card, and the USB serial
//! number is the one that all OnlyKeys show.
//!
//! With the ids of a Nitrokey Pro or a Nitrokey Storage it has only one interface, with the slots of such a virtual key: a
//! generic one, or that of a keyboard with the ids of a Librem Key. Each empty line on standard input then turns its clock a
//! day ahead, and its codes require the PIN if there is one.
//!
//! Other lines on standard input set a duration until another line changes it: `delay MS` that of each command, over HID and
//! by the smart card, `report-delay MS` that of each report over HID, and `patience MS` that of the wait for a touch, which no
//! Nitrokey Pro knows. The rest are faults of the next request over HID, or of all later ones: `hang` (the next transfer of a report to or from the key has no end), and the
//! words in `faults.rs`. After `vanish` the program ends in the middle of the request. Lines that the key obeys are repeated on
//! standard error.
//!
//! The kernel speaks the protocol of USB/IP over a socket (Documentation/usb/usbip_protocol.rst), whose number is written to
//! sysfs.

mod ccid;
mod descriptors;
mod faults;
mod link;
mod tokens;
mod words;

use std::error::Error;
use std::fs;
use std::io::{self, Read};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use oathbridge::device::{self, Reports};
use oathbridge::virt::FidoInterface;

use self::ccid::Messages;
use self::descriptors::{Ids, KEYBOARD};
use self::link::{CCID, FIDO, Link, RET_SUBMIT};
use self::tokens::Tokens;

const USAGE: &str = "usage: usb-key VENDOR PRODUCT [PORT [PIN]], the first two with four hexadecimal digits";

/// The first controller of vhci-hcd, the device id in its first port, and the speed of devices at full speed.
const ATTACH: &str = "/sys/devices/platform/vhci_hcd.0/attach";
const FIRST_DEVICE: u32 = 0x0001_0002;
const FULL_SPEED: u32 = 2;

/// USB/IP messages of the kernel: a request, and its cancellation.
const SUBMIT: u32 = 1;
const UNLINK: u32 = 2;
const HEADER_BYTES: usize = 48;
const IS_IN: u32 = 1;

/// The types and numbers of the requests that pass feature reports, and the number of that kind of reports (HID 1.11, section
/// 7.2).
const GET_FROM_INTERFACE: u8 = 0xa1;
const SET_OF_INTERFACE: u8 = 0x21;
const GET_REPORT: u8 = 1;
const SET_REPORT: u8 = 9;
const FEATURE: u8 = 3;

/// Error numbers of the kernel, negative.
const EPIPE: i32 = -32;
const EPROTO: i32 = -71;

/// The maximum wait for one report; then the next wait begins.
const WAIT: Duration = Duration::from_secs(3_600);

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [vendor, product, options @ ..] = &arguments[..] else { return Err(USAGE.into()) };
    let ids = Ids { vendor: u16::from_str_radix(vendor, 16)?, product: u16::from_str_radix(product, 16)? };
    let port = options.first().map_or(Ok(0), |port| port.parse())?;
    let tokens = Tokens::new(ids, port, options.get(1))?;
    let card = tokens.card().ok_or("the card is not plugged in")?;
    let keyboard = tokens.keyboard().ok_or("the token has no keyboard")?;
    let open = || tokens.fido().ok_or("the token has no FIDO interface");
    // Each opener gets every report, so one sends and the other one receives.
    let (fido, mut answers) = (open()?, open()?);
    let (kernel, socket) = UnixStream::pair()?;
    let (device, kernel_end) = (FIRST_DEVICE + port, kernel.as_raw_fd());
    fs::write(ATTACH, format!("{port} {kernel_end} {device} {FULL_SPEED}"))?;
    drop(kernel);
    let link = Arc::new(Mutex::new(Link::new(socket.try_clone()?)));
    let messages = Messages::new(card, Arc::clone(&link));
    let shared = Arc::clone(&link);
    thread::spawn(move || pass_answers(&mut answers, &shared));
    let hangs = Arc::new(AtomicBool::new(false));
    let for_words = Arc::clone(&hangs);
    thread::spawn(move || words::obey_all(&tokens, &for_words));
    Ok(Key { socket, ids, keyboard, fido, messages, link, hangs }.serve()?)
}

/// Passes the reports of the FIDO interface on until the kernel has closed the socket.
fn pass_answers(answers: &mut FidoInterface, link: &Mutex<Link>) {
    let mut report = [0; 64];
    while let Ok(length) = answers.receive(&mut report, WAIT) {
        let report = report.get(..length).filter(|report| !report.is_empty());
        if report.is_some_and(|report| lock(link).send_input(FIDO, report).is_err()) {
            return;
        }
    }
}

fn lock(link: &Mutex<Link>) -> MutexGuard<'_, Link> {
    link.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Key {
    socket: UnixStream,
    ids: Ids,
    keyboard: Box<dyn Reports>,
    fido: FidoInterface,
    messages: Messages,
    link: Arc<Mutex<Link>>,
    /// Whether the next transfer of a report has no end, until the kernel cancels it.
    hangs: Arc<AtomicBool>,
}

impl Key {
    fn serve(mut self) -> io::Result<()> {
        loop {
            let mut header = [0; HEADER_BYTES];
            if self.socket.read_exact(&mut header).is_err() {
                return Ok(());
            }
            let words: Vec<_> =
                header.as_chunks::<4>().0.iter().map(|word| u32::from_be_bytes(*word)).collect();
            let [command, number, _, direction, endpoint, flags, length, ..] = words[..] else { continue };
            match command {
                SUBMIT => {
                    let mut sent = vec![0; if direction == IS_IN { 0 } else { length as usize }];
                    self.socket.read_exact(&mut sent)?;
                    let setup = header.last_chunk::<8>().copied().unwrap_or_default();
                    self.submit(number, direction == IS_IN, endpoint, length, setup, &sent)?;
                }
                UNLINK => lock(&self.link).unlink(number, flags)?,
                _ => return Err(io::ErrorKind::InvalidData.into()),
            }
        }
    }

    fn submit(
        &mut self,
        number: u32,
        is_in: bool,
        endpoint: u32,
        length: u32,
        setup: [u8; 8],
        sent: &[u8],
    ) -> io::Result<()> {
        if is_report(endpoint, is_in, setup) && self.hangs.swap(false, Ordering::SeqCst) {
            return Ok(());
        }
        if endpoint == 0 {
            return match self.control(setup, sent) {
                Ok(Some(mut data)) if is_in => {
                    data.truncate(length as usize);
                    self.reply(number, 0, data.len() as u32, &data)
                }
                Ok(Some(_)) => self.reply(number, 0, length, &[]),
                Ok(None) => self.reply(number, EPIPE, 0, &[]),
                // A controller reports this at once. Without it the kernel would wait for the end of the transfer.
                Err(error) => self.reply(number, EPROTO, 0, &[]).and(Err(error)),
            };
        }
        if is_in {
            return lock(&self.link).await_input(endpoint, number, length);
        }
        // Before the key takes the report, so that its response comes later.
        self.reply(number, 0, length, &[])?;
        match endpoint {
            FIDO => {
                eprintln!("a report for the FIDO interface");
                self.fido.send(sent).map_err(io::Error::other)?;
            }
            CCID => self.messages.take(sent),
            _ => {}
        }
        Ok(())
    }

    /// A control transfer; `None` if the key refuses it. Fails if the key is pulled out.
    fn control(&mut self, setup: [u8; 8], sent: &[u8]) -> io::Result<Option<Vec<u8>>> {
        let [kind, request, value, value_high, index, index_high, ..] = setup;
        let interface = u16::from_le_bytes([index, index_high]);
        Ok(match (kind, request) {
            (0x80, 6) => descriptors::descriptor(self.ids, value_high, value),
            (0x81, 6) => Some(descriptors::report_descriptor(self.ids, interface)),
            // GET_STATUS, GET_CONFIGURATION, GET_INTERFACE
            (0x80..=0x82, 0) => Some(vec![0, 0]),
            (0x80, 8) => Some(vec![1]),
            (0x81, 10) => Some(vec![0]),
            (GET_FROM_INTERFACE, GET_REPORT) if interface == KEYBOARD && value_high == FEATURE => {
                eprintln!("a report from the other interface");
                let mut report = vec![0; self.keyboard.kind().report_bytes()];
                let received = self.keyboard.receive(&mut report, Duration::ZERO);
                unless_removed(received)?.map(|length| report.into_iter().take(length).collect())
            }
            (GET_FROM_INTERFACE, GET_REPORT) => Some(vec![0; 8]),
            (SET_OF_INTERFACE, SET_REPORT) if interface == KEYBOARD && value_high == FEATURE => {
                eprintln!("a report for the other interface");
                unless_removed(self.keyboard.send(sent))?.map(|()| Vec::new())
            }
            (0x00..=0x02 | SET_OF_INTERFACE, _) => Some(Vec::new()),
            _ => None,
        })
    }

    fn reply(&self, number: u32, status: i32, length: u32, data: &[u8]) -> io::Result<()> {
        lock(&self.link).reply(RET_SUBMIT, number, status, length, data)
    }
}

/// Whether the transfer passes a report on to one of the HID interfaces that the daemon uses, or asks for one. A request for
/// input waits as long as there is none, so it is not one.
fn is_report(endpoint: u32, is_in: bool, setup: [u8; 8]) -> bool {
    let [kind, request, _, value_high, ..] = setup;
    let is_feature_report =
        matches!((kind, request), (GET_FROM_INTERFACE, GET_REPORT) | (SET_OF_INTERFACE, SET_REPORT));
    match endpoint {
        0 => is_feature_report && value_high == FEATURE,
        FIDO => !is_in,
        _ => false,
    }
}

/// The value; `None` for a failure that the key survives.
fn unless_removed<T>(result: Result<T, device::Error>) -> io::Result<Option<T>> {
    match result {
        Err(error @ device::Error::Removed) => Err(io::Error::other(error)),
        result => Ok(result.ok()),
    }
}
