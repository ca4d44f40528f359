//! The seam: protocols speak through these traits, transports implement them, and neither knows the other.
//!
//! A handle first, then a transaction that borrows it: the borrow ends the transaction, so none can stay open.

use std::ffi::OsString;
use std::fmt;
use std::time::Duration;

use crate::iso7816::{Command, Response};

/// A kind of bus that tokens hang off. All methods may block; each runs on a plain thread.
pub trait Transport: Send + Sync {
    /// A word for logs and the `Transports` property: `pcsc`, `virtual`.
    fn name(&self) -> &'static str;

    /// Reports everything that is attached, at once and again on each change, until [`Transport::stop`].
    ///
    /// Levels, not edges: a report replaces the one before it. Returns when stopped, or when `report` returns false.
    fn watch(&self, report: &mut dyn FnMut(Presence) -> bool);

    /// Compares what is attached with the last report, from another thread than [`Transport::watch`]. A difference has
    /// been reported when this returns; it returns within a few seconds, whatever the transport does.
    fn look_again(&self) {}

    /// Ends [`Transport::watch`], from another thread.
    fn stop(&self);

    /// Opens a device that was reported. Costs other programs nothing until a transaction starts.
    ///
    /// # Errors
    ///
    /// [`Error::Removed`] when it is gone, [`Error::Busy`] when another program holds it exclusively.
    fn open(&self, device: &DeviceId) -> Result<Opened, Error>;

    /// What the vendor's own means tell of a device: asked at most once, when a token is first seen,
    /// since it may cost other programs their selected application.
    fn identify(&self, _device: &DeviceId) -> Option<Identity> {
        None
    }
}

/// An open device, by what it exchanges.
pub enum Opened {
    /// Command and response APDUs.
    Apdu(Box<dyn Device>),
    /// HID reports of a fixed length.
    Reports(Box<dyn Reports>),
}

/// An open HID device that exchanges reports of a fixed length. Dropping it leaves the device as it was found.
pub trait Reports: Send {
    /// Sends one report.
    ///
    /// # Errors
    ///
    /// [`Error::Removed`] when the device is gone; [`Error::Failed`] when the length is not the device's.
    fn send(&mut self, report: &[u8]) -> Result<(), Error>;

    /// Waits for the next report and stores it. Returns its length, 0 when none came within `timeout`.
    ///
    /// # Errors
    ///
    /// As [`Reports::send`].
    fn receive(&mut self, report: &mut [u8], timeout: Duration) -> Result<usize, Error>;
}

/// What a protocol talks through: a transaction, or an open HID device.
pub enum Channel<'d> {
    /// A transaction with a smart card.
    Apdu(&'d mut dyn Transaction),
    /// A HID device.
    Reports(&'d mut dyn Reports),
}

impl Channel<'_> {
    /// The same channel for a shorter time, so that a second protocol can be tried after the first.
    pub fn reborrow(&mut self) -> Channel<'_> {
        match self {
            Self::Apdu(transaction) => Channel::Apdu(&mut **transaction),
            Self::Reports(reports) => Channel::Reports(&mut **reports),
        }
    }
}

/// An open handle to one device. Dropping it leaves the device as it was found.
pub trait Device: Send {
    /// Begins a transaction: until it is dropped no other program gets between two commands.
    ///
    /// # Errors
    ///
    /// As [`Transport::open`].
    fn transaction(&mut self) -> Result<Box<dyn Transaction + '_>, Error>;
}

/// A transaction: exclusive use of the device, ended by dropping it.
pub trait Transaction {
    /// Sends one command and waits for its answer, without time limit: a hanging token hangs the caller.
    ///
    /// The answer may say `61xx`; fetching the rest is the protocol's business, since tokens differ in how.
    ///
    /// # Errors
    ///
    /// [`Error::Removed`], [`Error::Reset`] when another program reset the device meanwhile.
    fn transmit(&mut self, command: &Command, progress: &dyn Progress) -> Result<Response, Error>;
}

/// What the person and the caller have to do with a running exchange.
pub trait Progress: Send + Sync {
    /// The token waits for a touch. May be called more than once.
    fn touch_needed(&self);

    /// Nobody waits for the answer any more. Transports that can abandon an exchange look at it.
    fn is_cancelled(&self) -> bool;
}

/// For exchanges that need no touch and are too short to cancel.
#[derive(Clone, Copy, Debug)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn touch_needed(&self) {}

    fn is_cancelled(&self) -> bool {
        false
    }
}

/// Names an attached device until it is unplugged; plugged in again it gets another one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeviceId {
    /// The reader's name or the device's path, in the bytes that the system uses.
    pub name: OsString,
    /// Which insertion it is: no two insertions at one transport share a number.
    pub insertion: u32,
}

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} #{}", self.name.display(), self.insertion)
    }
}

/// An attached device as its transport sees it, before anything was sent to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// How to open it.
    pub id: DeviceId,
    /// Made of software, by us.
    pub is_virtual: bool,
    /// The name of the reader that holds it, in the bytes that the service uses; nothing for a device without reader.
    pub reader: Option<OsString>,
    /// What USB says of it, if the transport knows.
    pub usb: Option<UsbInterface>,
}

/// A USB interface, from its descriptors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsbInterface {
    /// `idVendor`.
    pub vendor: u16,
    /// `idProduct`.
    pub product: u16,
    /// `iSerial`, if the device has one.
    pub serial: Option<String>,
    /// `bInterfaceNumber`, if the attachment is one interface of several.
    pub number: Option<u8>,
}

/// Everything attached to one transport.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Presence {
    /// The attached devices.
    pub devices: Vec<Attachment>,
    /// Why there may be more than that.
    pub problem: Option<Problem>,
}

/// Why a transport sees nothing, and which transport that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Problem {
    /// The smart card service is not running.
    #[error("the smart card service is not running")]
    PcscUnavailable,
    /// The smart card service refuses this user.
    #[error("the smart card service refuses access")]
    PcscDenied,
}

/// What a vendor's own application tells of a token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// The serial number, decimal, as printed on the token.
    pub serial: Option<String>,
    /// The firmware's version, as `5.4.3`.
    pub firmware: Option<String>,
}

/// Why a device didn't do as asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It was unplugged, or torn out in the middle of an exchange.
    #[error("the token was removed")]
    Removed,
    /// Another program holds it exclusively.
    #[error("another program holds the token")]
    Busy,
    /// Another program reset it; the transaction has to be done again from its start.
    #[error("the token was reset by another program")]
    Reset,
    /// Its transport doesn't work or refuses this user.
    #[error(transparent)]
    Transport(#[from] Problem),
    /// Anything else, in the transport's words.
    #[error("{0}")]
    Failed(String),
}

impl Error {
    /// Opening the device again and repeating the transaction may help, and no other cure is known.
    pub fn is_reset(&self) -> bool {
        matches!(self, Self::Reset)
    }
}
