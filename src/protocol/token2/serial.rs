//! The serial number.

use super::error::{malformed, means_unknown, refused};
use crate::iso7816::{Response, Status};
use crate::oath::Error;

/// The tag of the serial number.
const TAG: u8 = 0xd1;

/// The serial number in a response, in lower case; `None` if the key does not tell it.
///
/// # Errors
///
/// [`Error::Malformed`] if the response is one to another command, or an error that may pass.
pub(super) fn parse(response: &Response) -> Result<Option<String>, Error> {
    match response.status {
        Status::OK => {}
        status if means_unknown(status) => return Ok(None),
        status => return Err(refused(status)),
    }
    let [TAG, length, rest @ ..] = response.data.as_slice() else {
        return Err(malformed("the key has sent something else than its serial number"));
    };
    let text = rest.get(..usize::from(*length)).ok_or_else(|| malformed("the serial number is truncated"))?;
    let is_plain = !text.is_empty() && text.iter().all(u8::is_ascii_alphanumeric);
    Ok(std::str::from_utf8(text).ok().filter(|_| is_plain).map(str::to_ascii_lowercase))
}
