//! The OTP application.

use zeroize::Zeroizing;

use super::entry::{Entry, Factor};
use crate::iso7816::{Status, status};
use crate::virt::apdu::Request;
use crate::virt::spec::TokenSpec;

/// The class of the application's commands, and the instructions.
const CLASS: u8 = 0x80;
const OTP: u8 = 0xc5;
const IDENTIFY: u8 = 0x33;

/// The size of a page in bytes, unless one entry is longer.
const PAGE: usize = 500;

/// The attempts at a new PIN.
const ATTEMPTS: u8 = 100;

/// The data of a response.
type Data = Result<Zeroizing<Vec<u8>>, Status>;

/// The outcome of a command.
pub(in crate::virt) enum Reply {
    /// The response.
    Data(Zeroizing<Vec<u8>>),
    /// The key waits for a touch; [`Token2::finish`] returns the response.
    Touch(Waiting),
}

/// An entry whose code waits for a touch, and the time of the code.
pub(in crate::virt) struct Waiting {
    index: usize,
    time: u64,
}

/// The application with its storage.
pub(in crate::virt) struct Token2 {
    serial: u32,
    /// Whether the key has no command for its serial number.
    hides_serial: bool,
    /// The attempts left, if a PIN is set.
    attempts: Option<u8>,
    entries: Vec<Entry>,
    /// The first entry of the next page.
    cursor: Option<usize>,
    /// Whether each page says that another one follows.
    has_endless_pages: bool,
}

impl Token2 {
    pub(in crate::virt) fn new(spec: &TokenSpec) -> Self {
        Self {
            serial: spec.serial,
            hides_serial: false,
            attempts: spec.pin.as_ref().map(|_| ATTEMPTS),
            entries: spec.credentials.iter().map(Entry::from_spec).collect(),
            cursor: None,
            has_endless_pages: false,
        }
    }

    /// Another selection, or power off.
    pub(in crate::virt) fn reset(&mut self) {
        self.cursor = None;
    }

    /// Takes the command for the serial number away.
    pub(in crate::virt) fn hide_serial(&mut self) {
        self.hides_serial = true;
    }

    /// Sets a PIN with so many attempts left, or removes it, as another program does.
    pub(in crate::virt) fn set_attempts(&mut self, attempts: Option<u8>) {
        self.attempts = attempts;
    }

    /// Makes each page say that another one follows, or not any more.
    pub(in crate::virt) fn set_endless_pages(&mut self, has_endless_pages: bool) {
        self.has_endless_pages = has_endless_pages;
    }

    /// The moving factor of the next code of the HOTP entry with this label.
    pub(in crate::virt) fn counter(&self, label: &str) -> Option<u64> {
        match self.entries.iter().find(|entry| entry.label() == label)?.factor {
            Factor::Counter(counter) => Some(counter),
            Factor::Time(_) => None,
        }
    }

    /// Carries out a command. Over HID this key has no commands for a PIN.
    pub(in crate::virt) fn command(&mut self, request: &Request<'_>, is_hid: bool) -> Result<Reply, Status> {
        if request.class != CLASS {
            return Err(status::CLASS_NOT_SUPPORTED);
        }
        // Stricter than the vendor's card application: other firmware misreads a length in another form.
        let is_state = (request.instruction, request.p1, request.p2) == (OTP, 0x05, 0x04);
        if !request.data.is_empty() && request.is_extended == is_state {
            return Err(status::WRONG_PARAMETERS);
        }
        let data = match (request.instruction, request.p1, request.p2) {
            (IDENTIFY, 0, 0) if !self.hides_serial => self.identify(request.data),
            (OTP, 0x05, 0x00) => return self.entries(request.data),
            (OTP, 0x05, 0x01) => self.next_page(request.data),
            (OTP, 0x05, 0x04) if !is_hid => self.pin_flag(request.data),
            (OTP, ..) => Err(status::INCORRECT_P1_P2),
            _ => Err(status::INSTRUCTION_NOT_SUPPORTED),
        };
        data.map(Reply::Data)
    }

    /// Ends the wait for a touch.
    pub(in crate::virt) fn finish(&mut self, waiting: &Waiting) -> Data {
        let entry = self.entries.get_mut(waiting.index).ok_or(status::WRONG_DATA)?;
        let mut data = Zeroizing::new(entry.describe());
        data.extend_from_slice(&entry.code(waiting.time));
        Ok(data)
    }

    /// The serial number as text, with leading zeros.
    fn identify(&self, data: &[u8]) -> Data {
        if data.first() != Some(&0xd1) {
            return Err(status::WRONG_DATA);
        }
        let text = format!("{:014}", self.serial);
        let mut response = vec![0xd1];
        response.extend(u8::try_from(text.len()));
        response.extend(text.bytes());
        Ok(Zeroizing::new(response))
    }

    fn pin_flag(&self, data: &[u8]) -> Data {
        let flag = match self.attempts {
            None => [0, 0, 0, ATTEMPTS, 0, 0, 0, 0, 0],
            Some(attempts) => [0x07, attempts, 6, ATTEMPTS, 0, 0, 0, 0, 0],
        };
        match data.len() {
            4 | 9 => Ok(Zeroizing::new(flag.into_iter().take(data.len()).collect())),
            _ => Err(status::WRONG_PARAMETERS),
        }
    }

    fn entries(&mut self, data: &[u8]) -> Result<Reply, Status> {
        let (command, rest) = data.split_first().ok_or(status::WRONG_LENGTH)?;
        let (time, name) = rest.split_first_chunk::<8>().ok_or(status::WRONG_LENGTH)?;
        let time = u64::from_be_bytes(*time);
        self.check_pin()?;
        match command {
            0x01 => self.one(time, name),
            0x03 => {
                self.cursor = Some(0);
                self.page(time).map(Reply::Data)
            }
            _ => Err(status::WRONG_DATA),
        }
    }

    fn next_page(&mut self, data: &[u8]) -> Data {
        let (time, _) = data.split_first_chunk::<8>().ok_or(status::WRONG_LENGTH)?;
        self.check_pin()?;
        self.page(u64::from_be_bytes(*time))
    }

    fn check_pin(&self) -> Result<(), Status> {
        match self.attempts {
            None => Ok(()),
            Some(0) => Err(status::BLOCKED),
            Some(_) => Err(status::SECURITY_STATUS_NOT_SATISFIED),
        }
    }

    fn one(&self, time: u64, name: &[u8]) -> Result<Reply, Status> {
        let index = self.entries.iter().position(|entry| entry.name() == name).ok_or(status::WRONG_DATA)?;
        Ok(Reply::Touch(Waiting { index, time }))
    }

    /// Whether the entry of a wait needs a touch at all.
    pub(in crate::virt) fn needs_touch(&self, waiting: &Waiting) -> bool {
        self.entries.get(waiting.index).is_some_and(|entry| entry.needs_touch)
    }

    fn page(&mut self, time: u64) -> Data {
        let start =
            self.cursor.take().filter(|start| *start < self.entries.len()).ok_or(status::WRONG_DATA)?;
        let mut page = Zeroizing::new(Vec::new());
        let mut next = start;
        for entry in self.entries.iter_mut().skip(start) {
            let mut part = Zeroizing::new(entry.describe());
            if entry.is_free() {
                part.extend_from_slice(&entry.code(time));
            }
            if !page.is_empty() && page.len() + part.len() > PAGE {
                break;
            }
            page.extend_from_slice(&part);
            next += 1;
        }
        let has_more = next < self.entries.len() || self.has_endless_pages;
        if let (true, Some(first)) = (has_more, page.first_mut()) {
            *first |= 0x80;
            self.cursor = Some(next % self.entries.len());
        }
        Ok(page)
    }
}
