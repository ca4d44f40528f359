//! The OTP application of a virtual Token2 PIN+, without thread or randomness.
//!
//! Source: the vendor's card application (token2-otp-applet, `Token2OtpApplet.java`).

mod application;
mod entry;

pub(super) use application::{Reply, Token2, Waiting};
