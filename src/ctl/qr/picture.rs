//! Finds the QR code of an account in a picture.

use std::io::Cursor;

use image::error::ImageError;
use image::{DynamicImage, GrayImage, ImageReader, Limits};
use quircs::Quirc;
use zeroize::Zeroizing;

use super::variants::variants;
use crate::otpauth;

/// The maximum width and height, in pixels.
const MAX_LENGTH: u32 = 16_384;

/// The maximum memory for the pixels, in bytes; enough for a screen of 60 million pixels.
const MAX_MEMORY: u64 = 256 * 1024 * 1024;

/// What is wrong with a picture; the sentence begins with its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Error {
    /// It is in no format that is known, or is cut off.
    #[error("is no PNG, JPEG or WebP picture that can be read; save the QR code as a PNG file")]
    Format,
    /// It has too many pixels.
    #[error("is too large; cut it down to the QR code")]
    TooLarge,
    /// The decoder finds no QR code.
    #[error("has no QR code that can be read; show the code larger, or take its text with --secret-stdin")]
    NoCode,
    /// The QR codes have other contents.
    #[error("has a QR code, but not one of an account; show the code for an authenticator app")]
    NoAccount,
    /// It has QR codes of several accounts.
    #[error("has {0} QR codes of accounts; show only one of them")]
    Several(usize),
}

/// The text of the only QR code of an account: an otpauth URI or a migration payload.
///
/// # Errors
///
/// [`Error`].
pub(super) fn read(bytes: &[u8]) -> Result<Zeroizing<String>, Error> {
    let picture = decoded(bytes)?;
    let mut error = Error::NoCode;
    for variant in variants(&picture) {
        let texts = codes(&variant);
        if !texts.is_empty() {
            error = Error::NoAccount;
        }
        let mut accounts: Vec<_> = texts.into_iter().filter(|text| otpauth::is_uri(text)).collect();
        accounts.sort_unstable_by(|one, other| one.as_str().cmp(other.as_str()));
        accounts.dedup_by(|one, other| one.as_str() == other.as_str());
        match accounts.len() {
            0 => {}
            1 => return accounts.pop().ok_or(Error::NoCode),
            several => return Err(Error::Several(several)),
        }
    }
    Err(error)
}

fn decoded(bytes: &[u8]) -> Result<DynamicImage, Error> {
    let mut reader = ImageReader::new(Cursor::new(bytes));
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_LENGTH);
    limits.max_image_height = Some(MAX_LENGTH);
    limits.max_alloc = Some(MAX_MEMORY);
    reader.limits(limits);
    let reader = reader.with_guessed_format().map_err(|_| Error::Format)?;
    reader.decode().map_err(|error| match error {
        ImageError::Limits(_) => Error::TooLarge,
        _ => Error::Format,
    })
}

/// The texts of the QR codes that the decoder finds.
fn codes(picture: &GrayImage) -> Vec<Zeroizing<String>> {
    let [width, height] = [picture.width(), picture.height()].map(|length| length as usize);
    let mut decoder = Quirc::new();
    let found = decoder.identify(width, height, picture.as_raw());
    found
        .filter_map(|code| code.ok()?.decode().ok())
        .filter_map(|data| String::from_utf8(data.payload).ok().map(Zeroizing::new))
        .collect()
}
