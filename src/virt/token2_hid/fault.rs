//! Faults of one command over HID.

/// A fault of the next command to the FIDO interface of a virtual Token2 key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token2Fault {
    /// The command has no fault, and a later one may have one.
    None,
    /// The key takes the command and sends no response.
    Stall,
    /// The key says that it is busy, so many times before its response.
    Busy(usize),
    /// The key says once that it is busy, and sends no response.
    StaysBusy,
    /// The first report of the response has so many bytes.
    ReportLength(usize),
    /// The second report of the response has the number of the third.
    Sequence,
    /// The response ends after its first report.
    BrokenOff,
    /// Each page of the list says that another one follows.
    EndlessPages,
    /// The key does not serve the application over HID, and its FIDO stack answers with an error of CTAPHID.
    NotServed,
    /// The key sends so many reports of CTAPHID to other programs at once, directly before its response. A program that is
    /// more than 63 reports behind loses the response.
    Flood(usize),
    /// The key sends so many reports of CTAPHID to other programs before its response, no faster than a program reads them.
    Stream(usize),
    /// The key is pulled out.
    Vanish,
}
