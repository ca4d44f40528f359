//! The errors of texts that are no credential.

/// The reason why a text is not a credential. It never contains a part of the text, which holds a seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The URI is of another type than those of one-time passwords.
    #[error("the URI is for neither totp, hotp nor steam")]
    Kind,
    /// The percent encoding is broken, or the decoded text is not UTF-8.
    #[error("the URI holds text that is not UTF-8")]
    Encoding,
    /// The label has no account.
    #[error("the URI has no account name")]
    NoAccount,
    /// There is no parameter `secret`.
    #[error("the URI has no secret")]
    NoSecret,
    /// A parameter appears twice.
    #[error("the URI has the parameter {0} twice")]
    Twice(&'static str),
    /// A parameter has a value that no token supports.
    #[error("the value of {0} is not supported")]
    Value(&'static str),
    /// The seed is not base32.
    #[error("the seed is not base32 (letters A to Z and digits 2 to 7)")]
    NotBase32,
    /// The seed is too short or too long.
    #[error("the seed has {bytes} bytes, and 2 to 128 are supported")]
    SeedLength {
        /// The length of the seed in bytes.
        bytes: usize,
    },
}
