//! The serial number.

use crate::iso7816::{Response, Status};

/// The tag of the serial number.
const TAG: u8 = 0xd1;

/// The serial number in a response, as it is printed on the key; `None` if the key does not tell it.
pub(super) fn parse(response: &Response) -> Option<String> {
    let [TAG, length, rest @ ..] = response.data.as_slice() else { return None };
    let text = rest.get(..usize::from(*length))?;
    let is_plain = !text.is_empty() && text.iter().all(u8::is_ascii_alphanumeric);
    let text = std::str::from_utf8(text).ok().filter(|_| is_plain && response.status == Status::OK)?;
    Some(text.to_ascii_lowercase())
}
