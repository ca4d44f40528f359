//! Why a text is no new credential.

/// Why a text is no new credential. No error quotes the text, because the text holds the seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Neither `otpauth://` nor `otpauth-migration://`.
    #[error("the text is no otpauth URI")]
    NotOtpauth,
    /// The part behind `otpauth://` is not `totp`, `hotp` or `steam`.
    #[error("the type of the credential is not totp, hotp or steam")]
    UnknownType,
    /// A part of the URI is not UTF-8 after its percent escapes are decoded.
    #[error("a part of the otpauth URI is not UTF-8 text")]
    NotUtf8,
    /// The URI has this parameter twice.
    #[error("the otpauth URI has the parameter {0} twice")]
    Repeated(&'static str),
    /// The URI has no seed.
    #[error("the otpauth URI has no secret")]
    NoSecret,
    /// The seed has a character that base32 (RFC 4648 §6) does not use, or a length that it never has.
    #[error("the secret is not base32")]
    NotBase32,
    /// The seed has no bytes.
    #[error("the secret is empty")]
    EmptySecret,
    /// The algorithm is not SHA-1, SHA-256 or SHA-512.
    #[error("the algorithm is not SHA1, SHA256 or SHA512")]
    UnsupportedAlgorithm,
    /// The number of digits is not 6, 7 or 8.
    #[error("the number of digits is not 6, 7 or 8")]
    UnsupportedDigits,
    /// The period is no number of seconds above 0 and below 2³².
    #[error("the period is not a number of seconds from 1 on")]
    UnsupportedPeriod,
    /// The counter is no number from 0 to 2⁶⁴ - 1.
    #[error("the counter is not a number from 0 on")]
    UnsupportedCounter,
    /// The account is empty.
    #[error("the account is empty")]
    NoAccount,
    /// The issuer or the account has a control character.
    #[error("the issuer or the account has a control character")]
    ControlCharacter,
    /// The issuer has a colon, which ends the issuer in a name on a token.
    #[error("the issuer has a colon")]
    ColonInIssuer,
    /// The account has a colon and there is no issuer, so a name on a token would begin with another issuer.
    #[error("the account has a colon, and there is no issuer")]
    ColonInAccount,
    /// The label and the parameter `issuer` name different issuers.
    #[error("the label and the parameter issuer name different issuers")]
    IssuerMismatch,
    /// The credential is of the type Steam, and its issuer is not `Steam`.
    #[error("the issuer of a Steam credential is not Steam")]
    SteamIssuer,
    /// The migration payload is not base64 of the expected messages.
    #[error("the migration payload is damaged")]
    DamagedMigration,
    /// The migration payload has no account.
    #[error("the migration payload has no account")]
    EmptyMigration,
    /// The migration payload has more than one account, where one is expected.
    #[error("the migration payload has more than one account")]
    SeveralAccounts,
}
