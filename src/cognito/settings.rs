//! How requests travel: the `[cognito]` section of the configuration, less what is decided elsewhere.

use std::fmt;
use std::time::Duration;

use crate::certificates::CaCertificates;

/// How requests travel.
#[derive(Clone, PartialEq, Eq)]
pub struct Settings {
    /// How long name resolution, TCP and TLS may take together; 3 s. Shorter than `request_timeout`, or a
    /// host that doesn't answer counts as one that may have got the code.
    pub connect_timeout: Duration,
    /// How long the whole request may take; 8 s.
    pub request_timeout: Duration,
    /// Use the endpoints with FIPS 140 validated cryptography. Not with an endpoint URL.
    pub fips: bool,
    /// Use the endpoints that have IPv6. Not with an endpoint URL.
    pub dual_stack: bool,
    /// URL of an HTTP proxy, `http://` or `https://`, instead of the environment's `HTTPS_PROXY`.
    /// Endpoints on loopback are always reached directly.
    pub proxy: Option<String>,
    /// Certificate authorities that are trusted besides the system's.
    pub ca_certificates: Option<CaCertificates>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(3),
            request_timeout: Duration::from_secs(8),
            fips: false,
            dual_stack: false,
            proxy: None,
            ca_certificates: None,
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A proxy's URL may hold a password.
        f.debug_struct("Settings")
            .field("connect_timeout", &self.connect_timeout)
            .field("request_timeout", &self.request_timeout)
            .field("fips", &self.fips)
            .field("dual_stack", &self.dual_stack)
            .field("proxy", &self.proxy.as_ref().map(|_| ".."))
            .field("ca_certificates", &self.ca_certificates)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_keeps_the_proxys_password() {
        let settings =
            Settings { proxy: Some("http://me:canary@proxy:3128".to_owned()), ..Settings::default() };
        assert!(!format!("{settings:?}").contains("canary"));
    }
}
