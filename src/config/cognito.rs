//! `[cognito]`: how requests to Amazon Cognito are made.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use serde::de::Deserializer;

use super::document::Document;
use super::error::{Error, Problem};
use super::value::{integer, is_proxy, path_or_empty, seconds, switch, text_or_empty};
use crate::certificates::CaCertificates;

/// How requests to Amazon Cognito are made.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Cognito {
    /// How long connecting may take, TLS included; shorter than the next.
    #[serde(deserialize_with = "timeout")]
    pub connect_timeout: Duration,
    /// How long a whole request may take.
    #[serde(deserialize_with = "timeout")]
    pub request_timeout: Duration,
    /// How many codes one call may submit: 1 or 2.
    #[serde(deserialize_with = "attempts")]
    pub max_attempts: u32,
    /// A code with less time left than this is not sent; the next one is waited for.
    #[serde(deserialize_with = "time_left")]
    pub min_seconds_left: Duration,
    /// Submit the next step's code right away instead of waiting for it, as far as Cognito's window allows.
    #[serde(deserialize_with = "switch")]
    pub early_next_step: bool,
    /// Use the FIPS 140 endpoints.
    #[serde(deserialize_with = "switch")]
    pub fips: bool,
    /// Use the endpoints that also have IPv6 addresses.
    #[serde(deserialize_with = "switch")]
    pub dual_stack: bool,
    /// The proxy's URL; without one the environment (`HTTPS_PROXY`, `NO_PROXY`) decides.
    #[serde(deserialize_with = "proxy")]
    pub proxy: Option<String>,
    /// PEM file with the certificate authorities to trust besides the system's.
    #[serde(deserialize_with = "path_or_empty")]
    pub ca_file: Option<PathBuf>,
    /// What `ca_file` held when the configuration was loaded.
    #[serde(skip)]
    pub ca_certificates: Option<CaCertificates>,
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
        }
    }
}

impl Cognito {
    pub(super) fn check(&self, document: &Document<'_>) -> Result<(), Error> {
        if self.connect_timeout >= self.request_timeout {
            return Err(document.error(&["cognito"], Problem::ConnectTimeout));
        }
        Ok(())
    }

    /// Reads the certificates, so that no request has to.
    pub(super) fn load(&mut self, document: &Document<'_>) -> Result<(), Error> {
        let read = self.ca_file.as_deref().map(CaCertificates::read).transpose();
        self.ca_certificates =
            read.map_err(|error| document.error(&["cognito", "ca_file"], Problem::CaFile(error)))?;
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
