//! `[cognito]`: the settings for requests to Amazon Cognito.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use serde::de::Deserializer;

use super::error::{Error, Problem};
use super::layers::Layers;
use super::policy::Allowed;
use super::value::{integer, is_proxy, path_or_empty, seconds, switch, text_or_empty};
use crate::certificates::CaCertificates;

/// The settings for requests to Amazon Cognito.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Cognito {
    /// The timeout for a connection, TLS included; shorter than `request_timeout`.
    #[serde(deserialize_with = "timeout")]
    pub connect_timeout: Duration,
    /// The timeout for a whole request.
    #[serde(deserialize_with = "timeout")]
    pub request_timeout: Duration,
    /// The maximum number of codes that one call submits: 1 or 2.
    #[serde(deserialize_with = "attempts")]
    pub max_attempts: u32,
    /// The minimum remaining validity of a code; with less time left, the call waits for the next one.
    #[serde(deserialize_with = "time_left")]
    pub min_seconds_left: Duration,
    /// Whether to submit the code of the next step at once instead of waiting for it, if Cognito's window allows that.
    #[serde(deserialize_with = "switch")]
    pub early_next_step: bool,
    /// Whether to use the FIPS 140 endpoints.
    #[serde(deserialize_with = "switch")]
    pub fips: bool,
    /// Whether to use the endpoints that also have IPv6 addresses.
    #[serde(deserialize_with = "switch")]
    pub dual_stack: bool,
    /// The URL of the proxy; the default comes from the environment (`HTTPS_PROXY`, `NO_PROXY`).
    #[serde(deserialize_with = "proxy")]
    pub proxy: Option<String>,
    /// A PEM file with certificate authorities to trust in addition to the system's.
    #[serde(deserialize_with = "path_or_empty")]
    pub ca_file: Option<PathBuf>,
    /// The content of `ca_file` when the configuration was loaded.
    #[serde(skip)]
    pub ca_certificates: Option<CaCertificates>,
    /// What codes may be sent to, by the administrator's policy.
    #[serde(skip)]
    pub allowed: Allowed,
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
            ca_certificates: None,
            allowed: Allowed::default(),
        }
    }
}

impl Cognito {
    /// The error of the timeouts, if they contradict each other.
    pub(super) fn error(&self, layers: &Layers<'_>) -> Option<Error> {
        (self.connect_timeout >= self.request_timeout)
            .then(|| layers.error(&["cognito"], Problem::ConnectTimeout))
    }

    /// Reads the certificates, so that requests need not read them.
    pub(super) fn load(&mut self, layers: &Layers<'_>) -> Result<(), Error> {
        let read = |file: &PathBuf| {
            CaCertificates::read(file)
                .map_err(|error| layers.error(&["cognito", "ca_file"], Problem::CaFile(error)).naming(file))
        };
        self.ca_certificates = self.ca_file.as_ref().map(read).transpose()?;
        Ok(())
    }
}

fn timeout<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    seconds(deserializer, 0.1..=60.0)
}

fn time_left<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    seconds(deserializer, 0.0..=20.0)
}

fn attempts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    integer(deserializer, "1 or 2", 1..=2)
}

fn proxy<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let shape = "empty or a URL like \"http://proxy.example:3128\", without a user";
    text_or_empty(deserializer, shape, is_proxy)
}
