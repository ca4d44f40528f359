//! Firmware versions of the YubiKey 5.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

/// A firmware version of a YubiKey 5, such as `5.4.3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct Firmware {
    version: [u8; 3],
}

impl Firmware {
    /// Major, minor and patch version, as in tag 79 and in the other applications.
    pub fn bytes(self) -> [u8; 3] {
        self.version
    }

    /// Whether it is this version or a later one.
    pub fn is_at_least(self, major: u8, minor: u8, patch: u8) -> bool {
        self.version >= [major, minor, patch]
    }
}

impl Default for Firmware {
    /// 5.4.3, the version that was sold for years.
    fn default() -> Self {
        Self { version: [5, 4, 3] }
    }
}

impl FromStr for Firmware {
    type Err = InvalidFirmware;

    fn from_str(text: &str) -> Result<Self, InvalidFirmware> {
        let numbers: Vec<u8> =
            text.split('.').map(str::parse).collect::<Result<_, _>>().map_err(|_| InvalidFirmware)?;
        match *numbers {
            [5, minor, patch] => Ok(Self { version: [5, minor, patch] }),
            _ => Err(InvalidFirmware),
        }
    }
}

impl TryFrom<String> for Firmware {
    type Error = InvalidFirmware;

    fn try_from(text: String) -> Result<Self, InvalidFirmware> {
        text.parse()
    }
}

impl fmt::Display for Firmware {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.version;
        write!(f, "{major}.{minor}.{patch}")
    }
}

/// The text is not a firmware version of the YubiKey 5.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a firmware version must be three numbers, the first one 5, for example \"5.4.3\"")]
pub struct InvalidFirmware;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_parsed_printed_and_compared() {
        let version: Firmware = "5.10.0".parse().unwrap();
        assert_eq!(version.to_string(), "5.10.0");
        assert!(version.is_at_least(5, 7, 0) && !version.is_at_least(5, 10, 1));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "5", "5.4", "5.4.3.1", "5.4.256", "5.4.-1", "4.3.7", "5.4.x", " 5.4.3"] {
            assert_eq!(text.parse::<Firmware>(), Err(InvalidFirmware), "{text:?}");
        }
    }
}
