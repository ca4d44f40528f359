//! Computation of one-time passwords: HOTP (RFC 4226), TOTP (RFC 6238), Steam's variant, seeds as text.

mod code;
mod hash;
mod step;

pub use code::{Code, Digits, UnsupportedDigits, truncate};
pub use hash::Algorithm;
pub use step::{Period, Step, UnsupportedPeriod};
