//! Faults of one request.

/// A fault of the next request to the keyboard interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OtpFault {
    /// The key does not clear its busy flag after the first report, until it is reset.
    Busy,
    /// The key takes the request and sends no response, until it is reset.
    Stall,
    /// The checksum of the response is wrong.
    Checksum,
    /// The second piece of the response has the number of the third.
    Sequence,
    /// The first report after the request has so many bytes.
    ReportLength(usize),
    /// Another program resets the key after the first piece of the response.
    Interference,
    /// The key is pulled out in the middle of the frame.
    Vanish,
}
