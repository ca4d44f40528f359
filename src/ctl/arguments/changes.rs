//! Arguments of the commands that change the credentials on a token.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::values::descriptor;

/// Arguments of `add`.
#[derive(Args, Debug)]
pub struct NewArguments {
    /// The token's id or serial number; several of these options write the same seed to several tokens. The default is the
    /// only attached token.
    #[arg(long)]
    pub token: Vec<String>,
    /// The account; needed for a bare seed.
    #[arg(long)]
    pub account: Option<String>,
    /// The issuer.
    #[arg(long)]
    pub issuer: Option<String>,
    /// The kind of the codes; the default is totp.
    #[arg(long = "type", value_enum)]
    pub kind: Option<CodeKind>,
    /// The hash algorithm; the default is sha1.
    #[arg(long, value_enum)]
    pub algorithm: Option<Hash>,
    /// The length of the codes, 6 to 8; the default is 6.
    #[arg(long, value_parser = clap::value_parser!(u32).range(6..=8))]
    pub digits: Option<u32>,
    /// The duration of a code in seconds; the default is 30.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub period: Option<u32>,
    /// The first value of the counter of hotp; the default is 0.
    #[arg(long)]
    pub counter: Option<u32>,
    /// Make the token require a touch for each code.
    #[arg(long)]
    pub touch: bool,
    /// Read the otpauth URI or the seed from this descriptor.
    #[arg(long, value_name = "N", value_parser = descriptor, group = "source")]
    pub secret_fd: Option<i32>,
    /// Read the otpauth URI or the seed from standard input.
    #[arg(long, group = "source")]
    pub secret_stdin: bool,
    /// Read the otpauth URI from the QR code in this PNG, JPEG or WebP file; - is standard input.
    #[arg(long, value_name = "FILE", group = "source")]
    pub qr: Option<PathBuf>,
    /// Read the otpauth URI from the QR code on the screen.
    #[arg(long, group = "source")]
    pub qr_screen: bool,
}

/// The kinds of codes.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum CodeKind {
    /// Codes of the time.
    Totp,
    /// Codes of a counter.
    Hotp,
    /// Codes of Steam, five letters.
    Steam,
}

impl CodeKind {
    pub(in crate::ctl) fn word(self) -> &'static str {
        match self {
            Self::Totp => "totp",
            Self::Hotp => "hotp",
            Self::Steam => "steam",
        }
    }
}

/// The hash algorithms.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Hash {
    /// SHA-1, as Amazon Cognito has it.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

impl Hash {
    pub(in crate::ctl) fn word(self) -> &'static str {
        match self {
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
            Self::Sha512 => "SHA512",
        }
    }
}

/// Arguments of `remove`.
#[derive(Args, Debug)]
pub struct RemoveArguments {
    /// The credential: its id, issuer:account, account, issuer or a part of issuer:account.
    pub query: String,
    /// The token's id or serial number, if several have such a credential.
    #[arg(long)]
    pub token: Option<String>,
    /// Do not ask; the credential must then be named by its id, its whole name or its account.
    #[arg(long, short)]
    pub yes: bool,
}

/// Arguments of `rename`.
#[derive(Args, Debug)]
pub struct RenameArguments {
    /// The credential: its id, issuer:account, account, issuer or a part of issuer:account.
    pub query: String,
    /// The new name, issuer:account or an account alone.
    pub name: String,
    /// The token's id or serial number, if several have such a credential.
    #[arg(long)]
    pub token: Option<String>,
}

/// Arguments of `password`.
#[derive(Args, Debug)]
pub struct PasswordArguments {
    /// The token's id or serial number; the default is the only token that takes a password.
    pub token: Option<String>,
    /// Clear the password, so that the token has none.
    #[arg(long, conflicts_with_all = ["password_stdin", "password_fd"])]
    pub clear: bool,
    /// Do not ask before the password is cleared.
    #[arg(long, short, requires = "clear")]
    pub yes: bool,
    /// Read the new password from this descriptor.
    #[arg(long, value_name = "N", value_parser = descriptor, conflicts_with = "password_stdin")]
    pub password_fd: Option<i32>,
    /// Read the new password from standard input.
    #[arg(long)]
    pub password_stdin: bool,
    /// Read the current password from this descriptor; needed for a token that is locked, unless a terminal is there.
    #[arg(long, value_name = "N", value_parser = descriptor)]
    pub current_password_fd: Option<i32>,
}
