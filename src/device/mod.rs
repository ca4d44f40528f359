//! The interface between protocols and transports. Protocols use these traits, transports implement them, and neither
//! depends on the other.
//!
//! A [`Device`] is an open handle; a [`Transaction`] borrows it and ends when it is dropped, so that no transaction outlives
//! its handle.

pub mod hid_models;
mod make;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fmt;
use std::time::Duration;

pub use self::hid_models::HidKind;
pub use self::make::{Make, make_of_card};
use crate::iso7816::{Command, Response};

/// A way to reach devices, for example PC/SC. All methods may block, so none is called on a thread of the async runtime.
pub trait Transport: Send + Sync {
    /// The name in logs and in the `Transports` property: `pcsc`, `hid` or `virtual`.
    fn name(&self) -> &'static str;

    /// Reports all attached devices, at once and after each change, until [`Transport::stop`].
    ///
    /// Each report replaces the one before it. Returns after [`Transport::stop`], or when `report` returns `false`.
    fn watch(&self, report: &mut dyn FnMut(Presence) -> bool);

    /// Compares the attached devices with the last report. Called from another thread than [`Transport::watch`]. A
    /// difference is reported before this returns. Returns within a few seconds, even if the transport does not respond.
    fn rescan(&self) {}

    /// Sets the HID interfaces to look for, from the next scan on. Other transports ignore it.
    fn look_for(&self, _kinds: &[HidKind]) {}

    /// Ends [`Transport::watch`], from another thread.
    fn stop(&self);

    /// Opens a reported device. Other programs are not affected before a transaction begins.
    ///
    /// # Errors
    ///
    /// [`Error::Removed`] if the device is no longer attached, [`Error::Busy`] if another program holds it exclusively.
    fn open(&self, device: &DeviceId) -> Result<Opened, Error>;

    /// Reads the serial number and firmware version with commands of the vendor; `None` if the device has no such commands.
    ///
    /// Called at most once for each insertion, because the commands may deselect the application of another program.
    fn identify(&self, _device: &Attachment) -> Option<Identity> {
        None
    }
}

impl fmt::Debug for dyn Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An open device, by the unit that it exchanges.
pub enum Opened {
    /// Command and response APDUs.
    Apdu(Box<dyn Device>),
    /// HID reports of a fixed length.
    Reports(Box<dyn Reports>),
}

/// An open HID device that exchanges reports of a fixed length. Dropping it does not reset the device.
pub trait Reports: Send {
    /// Sends one report.
    ///
    /// # Errors
    ///
    /// [`Error::Removed`] if the device is no longer attached, [`Error::Failed`] if the length does not fit the device.
    fn send(&mut self, report: &[u8]) -> Result<(), Error>;

    /// The kind of the interface, which determines the length of its reports.
    fn kind(&self) -> HidKind {
        HidKind::Keyboard
    }

    /// Waits for the next report and stores it. Returns its length in bytes, or 0 if no report arrives within `timeout`.
    ///
    /// The length is that of the device, so the caller checks it: a longer report than `report` is cut off, and a shorter one
    /// leaves the rest of `report` as it was.
    ///
    /// # Errors
    ///
    /// Those of [`Reports::send`].
    fn receive(&mut self, report: &mut [u8], timeout: Duration) -> Result<usize, Error>;

    /// Takes the advisory lock of the device, which keeps other programs that honour it from the device, until
    /// [`Reports::unlock`]. A protocol holds the lock for one exchange, and not while it waits for a touch. Does nothing if
    /// the lock is already held, or if the device has no lock.
    ///
    /// # Errors
    ///
    /// [`Error::Busy`] if another program holds the lock for longer than `timeout`, and those of [`Reports::send`].
    fn lock(&mut self, _timeout: Duration) -> Result<(), Error> {
        Ok(())
    }

    /// Releases the lock. Dropping the device releases it as well.
    fn unlock(&mut self) {}
}

/// The channel of a protocol: a transaction, or an open HID device.
pub enum Channel<'d> {
    /// A transaction with a smart card.
    Apdu(&'d mut dyn Transaction),
    /// A HID device.
    Reports(&'d mut dyn Reports),
}

impl Channel<'_> {
    /// Borrows the channel for a shorter lifetime, so that several protocols can be tried in turn.
    pub fn reborrow(&mut self) -> Channel<'_> {
        match self {
            Self::Apdu(transaction) => Channel::Apdu(&mut **transaction),
            Self::Reports(reports) => Channel::Reports(&mut **reports),
        }
    }
}

/// An open handle to one device. Dropping it does not reset the device.
pub trait Device: Send {
    /// Begins a transaction. Until it is dropped, other programs cannot send commands to the device.
    ///
    /// # Errors
    ///
    /// Those of [`Transport::open`].
    fn transaction(&mut self) -> Result<Box<dyn Transaction + '_>, Error>;
}

/// Exclusive use of a device, until dropped.
pub trait Transaction {
    /// Sends one command and waits for its response, without timeout: the call blocks for as long as the device does not
    /// respond.
    ///
    /// The status word of the response may be `61xx`. The protocol then requests the remaining bytes, because the command for
    /// that differs between families.
    ///
    /// # Errors
    ///
    /// [`Error::Removed`] if the device was removed, [`Error::Reset`] if another program reset it during the transaction.
    fn transmit(&mut self, command: &Command, progress: &dyn Progress) -> Result<Response, Error>;
}

/// Connects a running exchange to its caller: reports that a touch is needed, and whether the caller has cancelled.
pub trait Progress: Send + Sync {
    /// Reports that the token waits for a touch. May be called more than once.
    fn touch_needed(&self);

    /// Reports that a command begins or ends that may wait for a touch without a sign of it.
    fn touch_possible(&self, _is_possible: bool) {}

    /// Whether the caller no longer waits for the response. A transport that can abandon an exchange does so then.
    fn is_cancelled(&self) -> bool;
}

/// The [`Progress`] of exchanges that need no touch and cannot be cancelled.
#[derive(Clone, Copy, Debug)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn touch_needed(&self) {}

    fn is_cancelled(&self) -> bool {
        false
    }
}

/// The id of an attached device. A device gets a new id at each insertion.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeviceId {
    /// The name of the reader or of the USB interface, as the bytes that the system uses.
    pub name: OsString,
    /// The number of the insertion, unique within the transport.
    pub insertion: u32,
}

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} #{}", self.name.display(), self.insertion)
    }
}

/// An attached device, as its transport describes it without a command to the device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// The id for [`Transport::open`].
    pub id: DeviceId,
    /// Whether it is a virtual token.
    pub is_virtual: bool,
    /// The name of its reader, as the bytes that the service uses; `None` for a device without a reader.
    pub reader: Option<OsString>,
    /// Its USB interface, if the transport knows it.
    pub usb: Option<UsbInterface>,
    /// The answer to reset of a smart card (ISO/IEC 7816-3 §8); empty if it is unknown.
    pub atr: Vec<u8>,
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
    /// The USB device that the interface belongs to: equal for all interfaces of one device while it stays plugged in, and
    /// new after each insertion. `None` if the transport does not know it.
    pub parent: Option<OsString>,
}

/// The attached devices of one transport.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Presence {
    /// The attached devices.
    pub devices: Vec<Attachment>,
    /// The reasons why `devices` may be incomplete.
    pub problems: BTreeSet<Problem>,
}

/// The reason why a transport cannot report devices. Each variant belongs to one transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Problem {
    /// The smart card service is not running.
    #[error("the smart card service is not running")]
    PcscUnavailable,
    /// The smart card service refuses this user.
    #[error("the smart card service refuses access")]
    PcscDenied,
    /// The smart card service serves as many programs as it can.
    #[error("all places of the smart card service are taken")]
    PcscFull,
    /// The smart card service is of another release than the library, so it refuses it.
    #[error("the smart card service is of another release than its library")]
    PcscVersion,
    /// The system refuses this user access to a HID device with an interface of this kind.
    #[error("the system refuses access to a HID device")]
    HidDenied(HidKind),
}

/// The identity of a token, as an application of its vendor reports it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// The serial number, decimal, as printed on the token.
    pub serial: Option<String>,
    /// The firmware version, in the form `5.4.3`.
    pub firmware: Option<String>,
    /// Whether the application is that of a YubiKey; `None` if that is unknown.
    pub is_yubikey: Option<bool>,
}

/// An error of a device or of its transport.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The device was removed, possibly during an exchange.
    #[error("the token was removed")]
    Removed,
    /// Another program holds the device exclusively.
    #[error("another program holds the token")]
    Busy,
    /// Another program reset the device or took its interface for a moment; the transaction must be repeated from its start.
    #[error("the token was reset by another program")]
    Reset,
    /// The transport does not work or refuses this user.
    #[error(transparent)]
    Transport(#[from] Problem),
    /// The device did not answer in time.
    #[error("{0}")]
    NoAnswer(String),
    /// Any other error, with the message of the transport.
    #[error("{0}")]
    Failed(String),
}

impl Error {
    /// Whether the request may succeed if the device is opened again and the transaction is repeated.
    pub fn is_reset(&self) -> bool {
        matches!(self, Self::Reset)
    }

    /// Whether the next transfer would only take the time of this one, or find nothing.
    pub fn is_unreachable(&self) -> bool {
        matches!(self, Self::NoAnswer(_) | Self::Removed)
    }
}
