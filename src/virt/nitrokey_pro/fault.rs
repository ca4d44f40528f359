//! Faults of one request.

/// A fault of the next request to a virtual Nitrokey Pro.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NitrokeyProFault {
    /// The request has no fault, and a later one may have one.
    None,
    /// The key takes the request and stays busy, until it is pulled out.
    Busy,
    /// The key drops the request.
    Drop,
    /// The checksum of the response is wrong.
    Checksum,
    /// The key receives another request than was sent.
    Damage,
    /// The reports after the request have so many bytes.
    ReportLength(usize),
    /// Another program sends a request after this one.
    Interference,
    /// Another program sets the clock to this Unix time in seconds when the response to this request was read.
    OtherTime(u64),
    /// The key is pulled out when the request arrives.
    Vanish,
}
