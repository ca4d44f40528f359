//! `[cognito]`: how requests to Amazon Cognito are made.

use std::path::PathBuf;
use std::time::Duration;

use super::error::{Error, Problem};
use super::section::Section;
use super::value::{absolute_path, integer, or_none, proxy, seconds};

/// How requests to Amazon Cognito are made.
#[derive(Clone, Debug, PartialEq)]
pub struct Cognito {
    /// How long connecting may take, TLS included; shorter than the next.
    pub connect_timeout: Duration,
    /// How long a whole request may take.
    pub request_timeout: Duration,
    /// How many codes one call may submit: 1 or 2.
    pub max_attempts: u32,
    /// A code with less time left than this is not sent; the next one is waited for.
    pub min_seconds_left: Duration,
    /// Submit the next step's code right away instead of waiting for it, as far as Cognito's window allows.
    pub early_next_step: bool,
    /// Use the FIPS 140 endpoints.
    pub fips: bool,
    /// Use the endpoints that also have IPv6 addresses.
    pub dual_stack: bool,
    /// The proxy's URL; without one the environment (`HTTPS_PROXY`, `NO_PROXY`) decides.
    pub proxy: Option<String>,
    /// PEM file with the certificate authorities to trust besides the system's.
    pub ca_file: Option<PathBuf>,
}

impl Default for Cognito {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(3),
            request_timeout: Duration::from_secs(8),
            max_attempts: 2,
            min_seconds_left: Duration::from_secs(3),
            early_next_step: false,
            fips: false,
            dual_stack: false,
            proxy: None,
            ca_file: None,
        }
    }
}

impl Cognito {
    pub(super) const SECTION: &str = "cognito";
    pub(super) const KEYS: &[&str] = &[
        "connect_timeout",
        "request_timeout",
        "max_attempts",
        "min_seconds_left",
        "early_next_step",
        "fips",
        "dual_stack",
        "proxy",
        "ca_file",
    ];

    pub(super) fn read(section: &Section<'_>) -> Result<Self, Error> {
        let default = Self::default();
        let timeout = |key, default| {
            let shape = "a number of seconds from 0.1 to 60";
            section.get(key, shape, |value| seconds(value, 0.1..=60.0)).map(|set| set.unwrap_or(default))
        };
        let switch = |key, default| {
            section.get(key, "true or false", |value| value.as_bool()).map(|set| set.unwrap_or(default))
        };
        let cognito = Self {
            connect_timeout: timeout("connect_timeout", default.connect_timeout)?,
            request_timeout: timeout("request_timeout", default.request_timeout)?,
            max_attempts: section
                .get("max_attempts", "1 or 2", |value| integer(value, 1..=2))?
                .unwrap_or(default.max_attempts),
            min_seconds_left: section
                .get("min_seconds_left", "a number of seconds from 0 to 20", |value| {
                    seconds(value, 0.0..=20.0)
                })?
                .unwrap_or(default.min_seconds_left),
            early_next_step: switch("early_next_step", default.early_next_step)?,
            fips: switch("fips", default.fips)?,
            dual_stack: switch("dual_stack", default.dual_stack)?,
            proxy: section
                .get(
                    "proxy",
                    "empty or a URL like \"http://proxy.example:3128\", without a user",
                    or_none(proxy),
                )?
                .unwrap_or(default.proxy),
            ca_file: section
                .get("ca_file", "empty or an absolute path", or_none(absolute_path))?
                .unwrap_or(default.ca_file),
        };
        if cognito.connect_timeout >= cognito.request_timeout {
            return Err(section.error(Problem::ConnectTimeout));
        }
        Ok(cognito)
    }
}
