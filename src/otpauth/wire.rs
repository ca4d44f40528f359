//! The wire format of Protocol Buffers (protobuf.dev, "Encoding"), as far as migration payloads need it.
//!
//! The library `prost` would copy seeds into buffers that are not wiped; the fields here are borrowed.

/// The value of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    /// An integer (wire type 0).
    Number(u64),
    /// Bytes, text or a message (wire type 2).
    Bytes(&'a [u8]),
    /// A number of a fixed width, which migration payloads have not (wire types 1 and 5).
    Other,
}

/// The fields of a message, in order: field number and value. `None` if the message is damaged.
pub(super) fn fields(mut message: &[u8]) -> Option<Vec<(u64, Value<'_>)>> {
    let mut fields = Vec::new();
    while !message.is_empty() {
        let (key, rest) = varint(message)?;
        let (value, rest) = match key & 7 {
            0 => varint(rest).map(|(number, rest)| (Value::Number(number), rest))?,
            1 => (Value::Other, rest.get(8..)?),
            2 => {
                let (length, rest) = varint(rest)?;
                let (bytes, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
                (Value::Bytes(bytes), rest)
            }
            5 => (Value::Other, rest.get(4..)?),
            _ => return None,
        };
        fields.push((key >> 3, value));
        message = rest;
    }
    Some(fields)
}

/// The number at the start, of at most ten bytes with seven bits each, and the bytes behind it.
fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0_u64;
    for (index, byte) in bytes.iter().enumerate().take(10) {
        let part = u64::from(byte & 0x7f);
        let shift = 7 * u32::try_from(index).ok()?;
        if part.leading_zeros() < shift {
            return None;
        }
        number |= part.checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some((number, bytes.get(index + 1..)?));
        }
    }
    None
}
