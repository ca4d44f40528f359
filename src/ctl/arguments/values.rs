//! Parses numbers, with errors for people.

/// The seconds of a timeout.
pub(super) fn seconds(text: &str) -> Result<u32, String> {
    let seconds = text.parse().ok().filter(|seconds| (1..=900).contains(seconds));
    seconds.ok_or_else(|| format!("\"{text}\" is not a number of seconds (1 to 900)."))
}

/// Any number of seconds.
pub(super) fn any_seconds(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| format!("\"{text}\" is not a number of seconds."))
}

/// The number of a descriptor.
pub(super) fn descriptor(text: &str) -> Result<i32, String> {
    let number = text.parse().ok().filter(|number| *number >= 0);
    number.ok_or_else(|| format!("\"{text}\" is not the number of a descriptor, such as 3 for `3<FILE`."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_text_is_not_a_number() {
        assert_eq!(seconds("abc"), Err("\"abc\" is not a number of seconds (1 to 900).".to_owned()));
        assert_eq!((seconds("900"), any_seconds("0"), descriptor("3")), (Ok(900), Ok(0), Ok(3)));
        assert!(seconds("0").is_err() && seconds("901").is_err() && descriptor("-1").is_err());
    }
}
