//! What oathbridge's tests and demo run against. Not installed.

pub mod fake_cognito;
