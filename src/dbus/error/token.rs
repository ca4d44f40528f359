//! What goes wrong with a token.

use super::Error;
use crate::registry::Missing;
use crate::token;

impl From<Missing> for Error {
    fn from(missing: Missing) -> Self {
        match missing {
            Missing::Token => Self::ours(
                "TokenRemoved",
                "The token of this credential is not attached; plug it in and try again.",
            ),
            Missing::Locked => token::Error::Locked.into(),
            Missing::Stuck => token::Error::Stuck.into(),
            Missing::Credential => token::Error::NoSuchCredential.into(),
        }
    }
}

impl From<token::Error> for Error {
    fn from(error: token::Error) -> Self {
        use token::Error as Token;
        let (name, sentence) = match error {
            Token::Removed => ("TokenRemoved", "The token was removed; plug it in and try again."),
            Token::Busy => (
                "TokenBusy",
                "The token is busy with another request or held by another program; close that program or try again in a moment.",
            ),
            Token::Stuck => {
                ("TokenStuck", "The token doesn't answer any more; unplug it and plug it in again.")
            }
            Token::Locked => (
                "TokenLocked",
                "The token is locked with a password; unlock it with oathbridgectl unlock and try again.",
            ),
            Token::WrongPassword => {
                ("WrongPassword", "The token refused this password; check it and try again.")
            }
            Token::Impostor => (
                "Malformed",
                "The token doesn't know the password that it asks for and may be a fake; stop using it and check where it came from.",
            ),
            Token::NoSuchCredential => (
                "NoSuchCredential",
                "The token has no such credential; list what it has with oathbridgectl list.",
            ),
            Token::TouchTimeout => (
                "TouchTimeout",
                "The token was not touched in time and no code was sent; try again and touch it when it blinks.",
            ),
            Token::Unsupported(why) => {
                return Self::ours(
                    "Unsupported",
                    format!("The token can't do this since {why}; use another token."),
                );
            }
            Token::Malformed(why) => {
                tracing::warn!("a token's answer makes no sense: {why}");
                (
                    "Malformed",
                    "The token's answer makes no sense; unplug it, plug it in again, and report its model if that doesn't help.",
                )
            }
            Token::PcscUnavailable => (
                "PcscUnavailable",
                "The smart card service is not running; install pcscd or start it with systemctl start pcscd.socket.",
            ),
            Token::PcscDenied => (
                "PcscDenied",
                "The smart card service refuses this user; log in at the machine itself, or allow access with a polkit rule for org.debian.pcsc-lite.",
            ),
        };
        Self::ours(name, sentence)
    }
}
