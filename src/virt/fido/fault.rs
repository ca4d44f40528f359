//! Faults of one request.

/// A fault of the next request to the FIDO interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FidoFault {
    /// The key takes the request and sends no response, until it is cancelled.
    Stall,
    /// Another program allocates a channel while the key works, so that the key drops the request without a word.
    Stranger,
    /// The same, but the key has carried out the request before it drops the response.
    StrangerAfterwards,
    /// The key refuses the message with this error code, and does nothing.
    Error(u8),
    /// The second report of the response has the number of the third.
    Sequence,
    /// The response ends after its first report.
    BrokenOff,
    /// The response has the channel of another program.
    Channel,
    /// The first report of the response has so many bytes.
    ReportLength(usize),
    /// The key sends so many reports to other programs at once, directly before its response. A program that is more than 63
    /// reports behind loses the response.
    Flood(usize),
    /// The key sends so many reports to other programs before its response, no faster than a program reads them,
    /// until it is cancelled.
    Stream(usize),
    /// The key says while it works that it waits for a touch.
    KeepAlive,
    /// The key is pulled out.
    Vanish,
}
