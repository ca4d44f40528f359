//! `usb-key VENDOR PRODUCT`: attaches a virtual USB key to the kernel (module vhci-hcd), as root, until it is killed.
//!
//! The key has the keyboard interface of a virtual token, and a FIDO interface that sends each report back. Slot 2 has the key
//! of RFC 6238, appendix B.
//! The kernel speaks the protocol of USB/IP over a socket (Documentation/usb/usbip_protocol.rst), whose number is written to
//! sysfs.

mod descriptors;

use std::collections::VecDeque;
use std::error::Error;
use std::fs;
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use oathbridge::device::Reports;
use oathbridge::virt::{self, Keyboard, VirtualTransport};

use self::descriptors::{Ids, KEYBOARD};

const USAGE: &str = "usage: usb-key VENDOR PRODUCT, both with four hexadecimal digits";

const SERIAL: u32 = 7_654_321;
const TOKEN: &str = "
[[token]]
serial = 7654321
[[token.otp-slot]]
slot = 2
seed = \"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\"
";

/// The first controller of vhci-hcd, and its first port for devices at full speed.
const ATTACH: &str = "/sys/devices/platform/vhci_hcd.0/attach";
const PORT_DEVICE_SPEED: (u32, u32, u32) = (0, 0x0001_0002, 2);

/// USB/IP messages: a request, its cancellation, and the answers.
const SUBMIT: u32 = 1;
const UNLINK: u32 = 2;
const RET_SUBMIT: u32 = 3;
const RET_UNLINK: u32 = 4;
const HEADER_BYTES: usize = 48;
const IS_IN: u32 = 1;

/// Error numbers of the kernel, negative.
const EPIPE: i32 = -32;
const ECONNRESET: i32 = -104;

/// The endpoint of the FIDO interface, without its direction.
const FIDO: u32 = 2;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [vendor, product] = &arguments[..] else { return Err(USAGE.into()) };
    let ids = Ids { vendor: u16::from_str_radix(vendor, 16)?, product: u16::from_str_radix(product, 16)? };
    let tokens = VirtualTransport::new(&virt::parse(TOKEN)?);
    let keyboard =
        tokens.token(SERIAL).and_then(|token| token.keyboard()).ok_or("the token has no keyboard")?;
    let (kernel, socket) = UnixStream::pair()?;
    let (port, device, speed) = PORT_DEVICE_SPEED;
    fs::write(ATTACH, format!("{port} {} {device} {speed}", kernel.as_raw_fd()))?;
    drop(kernel);
    Ok(Key { socket, ids, keyboard, waiting: VecDeque::new(), echoes: VecDeque::new() }.serve()?)
}

struct Key {
    socket: UnixStream,
    ids: Ids,
    keyboard: Keyboard,
    /// The requests for input that wait: endpoint, number, length.
    waiting: VecDeque<(u32, u32, u32)>,
    echoes: VecDeque<Vec<u8>>,
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
                UNLINK => self.unlink(number, flags)?,
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
        match (endpoint, is_in) {
            (0, _) => match self.control(setup, sent) {
                Some(mut data) if is_in => {
                    data.truncate(length as usize);
                    self.reply(RET_SUBMIT, number, 0, data.len() as u32, &data)
                }
                Some(_) => self.reply(RET_SUBMIT, number, 0, length, &[]),
                None => self.reply(RET_SUBMIT, number, EPIPE, 0, &[]),
            },
            (_, true) => {
                self.waiting.push_back((endpoint, number, length));
                self.send_echoes()
            }
            (_, false) => {
                self.reply(RET_SUBMIT, number, 0, length, &[])?;
                self.echoes.push_back(sent.to_vec());
                self.send_echoes()
            }
        }
    }

    /// A control transfer; `None` if the key refuses it.
    fn control(&mut self, setup: [u8; 8], sent: &[u8]) -> Option<Vec<u8>> {
        let [kind, request, value, value_high, index, index_high, ..] = setup;
        let interface = u16::from_le_bytes([index, index_high]);
        match (kind, request) {
            (0x80, 6) => descriptors::descriptor(self.ids, value_high, value),
            (0x81, 6) => Some(descriptors::report_descriptor(interface)),
            // GET_STATUS, GET_CONFIGURATION, GET_INTERFACE
            (0x80..=0x82, 0) => Some(vec![0, 0]),
            (0x80, 8) => Some(vec![1]),
            (0x81, 10) => Some(vec![0]),
            // GET_REPORT and SET_REPORT; 3 is a feature report.
            (0xa1, 1) if interface == KEYBOARD && value_high == 3 => {
                let mut report = [0; 8];
                self.keyboard.receive(&mut report, Duration::ZERO).ok()?;
                Some(report.to_vec())
            }
            (0xa1, 1) => Some(vec![0; 8]),
            (0x21, 9) if interface == KEYBOARD && value_high == 3 => {
                self.keyboard.send(sent).ok()?;
                Some(Vec::new())
            }
            (0x00..=0x02 | 0x21, _) => Some(Vec::new()),
            _ => None,
        }
    }

    /// Answers requests for input on the FIDO endpoint with the reports that were sent.
    fn send_echoes(&mut self) -> io::Result<()> {
        while !self.echoes.is_empty() {
            let place = self.waiting.iter().position(|(endpoint, ..)| *endpoint == FIDO);
            let Some((_, number, length)) = place.and_then(|place| self.waiting.remove(place)) else { break };
            let mut echo = self.echoes.pop_front().unwrap_or_default();
            echo.truncate(length as usize);
            self.reply(RET_SUBMIT, number, 0, echo.len() as u32, &echo)?;
        }
        Ok(())
    }

    fn unlink(&mut self, number: u32, cancelled: u32) -> io::Result<()> {
        let before = self.waiting.len();
        self.waiting.retain(|(_, waiting, _)| *waiting != cancelled);
        let status = if self.waiting.len() < before { ECONNRESET } else { 0 };
        self.reply(RET_UNLINK, number, status, 0, &[])
    }

    fn reply(&mut self, command: u32, number: u32, status: i32, length: u32, data: &[u8]) -> io::Result<()> {
        let words = [command, number, 0, 0, 0, status.cast_unsigned(), length, 0, 0, 0, 0, 0];
        let mut message: Vec<_> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
        message.extend(data);
        self.socket.write_all(&message)
    }
}
