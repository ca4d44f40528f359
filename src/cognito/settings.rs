//! The transport settings of requests, from the `[cognito]` section of the configuration.

use std::fmt;
use std::time::Duration;

use crate::certificates::CaCertificates;

/// The transport settings of requests.
#[derive(Clone, PartialEq, Eq)]
pub struct Settings {
    /// The timeout for name resolution, TCP and TLS together; 3 s. It must be shorter than `request_timeout`. Otherwise a
    /// host that does not answer would count as one that may have received the code.
    pub connect_timeout: Duration,
    /// The timeout for the whole request; 8 s.
    pub request_timeout: Duration,
    /// Whether to use the endpoints with FIPS 140 validated cryptography. Not with an endpoint URL.
    pub fips: bool,
    /// Whether to use the endpoints that support IPv4 and IPv6. Not with an endpoint URL.
    pub dual_stack: bool,
    /// The URL of an HTTP proxy, `http://` or `https://`, instead of `HTTPS_PROXY` of the environment. Endpoints on
    /// loopback never use a proxy.
    pub proxy: Option<String>,
    /// Certificate authorities to trust in addition to the system's.
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
        // The URL of a proxy may contain a password.
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
    fn debug_output_does_not_contain_the_proxy_s_password() {
        let settings =
            Settings { proxy: Some("http://me:canary@proxy:3128".to_owned()), ..Settings::default() };
        assert!(!format!("{settings:?}").contains("canary"));
    }
}
