//! The smart card interface: messages of CCID at the level of extended APDUs (USB CCID 1.1, section 6).

use std::io;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use oathbridge::device::Error;
use oathbridge::virt::Session;

use super::link::{CCID, Link};
use super::lock;

/// The length of a message without its data.
const HEADER_BYTES: usize = 10;

/// How long a command may take before the driver is asked for more time, which it grants for each such message.
const TIME_EXTENSION: Duration = Duration::from_millis(400);

/// Messages of the driver: `PC_to_RDR_IccPowerOn`, `IccPowerOff`, `GetSlotStatus`, `XfrBlock`, and those for parameters.
const POWER_ON: u8 = 0x62;
const POWER_OFF: u8 = 0x63;
const SLOT_STATUS: u8 = 0x65;
const TRANSFER: u8 = 0x6f;
const PARAMETERS: [u8; 3] = [0x61, 0x6c, 0x6d];

/// Messages of the key: `RDR_to_PC_DataBlock`, `SlotStatus`, `Parameters`.
const DATA: u8 = 0x80;
const STATUS: u8 = 0x81;
const PARAMETERS_ARE: u8 = 0x82;

/// The state of a command in `bStatus`; its lower bits are the state of the card.
const FAILED: u8 = 0x40;
const NEEDS_TIME: u8 = 0x80;
const NOT_POWERED: u8 = 0x01;
const ABSENT: u8 = 0x02;

/// The parameters of the protocol T=1 (section 6.2.3), which the driver reads and which mean nothing between APDUs.
const T1: [u8; 7] = [0x11, 0x10, 0x00, 0x15, 0x00, 0xfe, 0x00];

/// Collects the transfers of the driver into messages.
pub(super) struct Messages {
    collected: Vec<u8>,
    sender: mpsc::Sender<Vec<u8>>,
}

impl Messages {
    /// Starts the thread that answers the messages with a card.
    pub(super) fn new(session: Session, link: Arc<Mutex<Link>>) -> Self {
        let (sender, messages) = mpsc::channel();
        let reader = Reader { session: Arc::new(session), link, is_powered: false };
        thread::spawn(move || reader.run(&messages));
        Self { collected: Vec::new(), sender }
    }

    /// Takes one transfer; the last one of a message starts the answer.
    pub(super) fn take(&mut self, transfer: &[u8]) {
        self.collected.extend(transfer);
        let length = self.collected.get(1..5).and_then(|length| length.try_into().ok());
        let Some(length) = length.map(u32::from_le_bytes) else { return };
        if self.collected.len() >= HEADER_BYTES + length as usize {
            // The thread has ended when the kernel has closed the socket.
            let _ = self.sender.send(std::mem::take(&mut self.collected));
        }
    }
}

struct Reader {
    session: Arc<Session>,
    link: Arc<Mutex<Link>>,
    is_powered: bool,
}

impl Reader {
    fn run(mut self, messages: &Receiver<Vec<u8>>) {
        for message in messages {
            let [kind, _, _, _, _, _, sequence, ..] = message[..] else { return };
            if self.answer(kind, sequence, message.get(HEADER_BYTES..).unwrap_or_default()).is_err() {
                return;
            }
        }
    }

    fn answer(&mut self, kind: u8, sequence: u8, data: &[u8]) -> io::Result<()> {
        match kind {
            POWER_ON => {
                let atr = self.session.atr();
                self.is_powered = atr.is_ok();
                self.end(sequence, atr.map(<[u8]>::to_vec))
            }
            POWER_OFF => {
                // A card that is gone is off.
                let _ = self.session.power_off();
                self.is_powered = false;
                self.send(STATUS, sequence, NOT_POWERED, 0, &[])
            }
            SLOT_STATUS => self.send(STATUS, sequence, self.card(), 0, &[]),
            TRANSFER => self.transfer(sequence, data.to_vec()),
            _ if PARAMETERS.contains(&kind) => self.send(PARAMETERS_ARE, sequence, self.card(), 1, &T1),
            _ => self.send(STATUS, sequence, FAILED | self.card(), 0, &[]),
        }
    }

    /// The state of the card.
    fn card(&self) -> u8 {
        if self.is_powered { 0 } else { NOT_POWERED }
    }

    /// Sends a command to the card, and asks for more time until it has answered.
    fn transfer(&self, sequence: u8, command: Vec<u8>) -> io::Result<()> {
        let (sender, answer) = mpsc::channel();
        let session = Arc::clone(&self.session);
        thread::spawn(move || sender.send(session.exchange(&command, &|| {})));
        loop {
            match answer.recv_timeout(TIME_EXTENSION) {
                Ok(answer) => return self.end(sequence, answer),
                // bError has the factor for the waiting time.
                Err(RecvTimeoutError::Timeout) => self.message(DATA, sequence, [NEEDS_TIME, 1, 0], &[])?,
                Err(RecvTimeoutError::Disconnected) => return self.end(sequence, Err(Error::Removed)),
            }
        }
    }

    fn end(&self, sequence: u8, answer: Result<Vec<u8>, Error>) -> io::Result<()> {
        match answer {
            Ok(data) => self.send(DATA, sequence, 0, 0, &data),
            Err(_) => self.send(DATA, sequence, FAILED | ABSENT, 0, &[]),
        }
    }

    fn send(&self, kind: u8, sequence: u8, status: u8, last: u8, data: &[u8]) -> io::Result<()> {
        self.message(kind, sequence, [status, 0, last], data)
    }

    /// Sends a message whose header ends with `bStatus`, `bError` and a byte that depends on the message.
    fn message(&self, kind: u8, sequence: u8, end: [u8; 3], data: &[u8]) -> io::Result<()> {
        let [l0, l1, l2, l3] = u32::try_from(data.len()).map_err(io::Error::other)?.to_le_bytes();
        let [status, error, last] = end;
        let header = [kind, l0, l1, l2, l3, 0, sequence, status, error, last];
        lock(&self.link).send_input(CCID, &[&header, data].concat())
    }
}
