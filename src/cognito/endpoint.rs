//! The endpoint of Cognito: a region, or a URL from the configuration.

use std::fmt;
use std::net::IpAddr;

use http::Uri;

use super::Region;

/// The endpoint of Cognito. One of the two is required; the URL has priority.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoint {
    /// The region of the user pool.
    pub region: Option<Region>,
    /// The URL to use instead of the region's endpoint.
    pub url: Option<EndpointUrl>,
}

/// The URL of an endpoint: `https`, or `http` on a literal loopback address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointUrl {
    text: String,
    loopback: bool,
}

impl EndpointUrl {
    /// Parses a URL with a scheme and a host, optionally a port and a path, and nothing else.
    ///
    /// # Errors
    ///
    /// [`UnusableUrl`] for anything else.
    pub fn parse(text: &str) -> Result<Self, UnusableUrl> {
        if text.contains(['?', '#', '@']) {
            return Err(UnusableUrl::Excess);
        }
        let uri: Uri = text.parse().map_err(|_| UnusableUrl::NotAUrl)?;
        let host = uri.host().filter(|host| is_host(host)).ok_or(UnusableUrl::NotAUrl)?;
        if !has_usable_port(&uri, host) {
            return Err(UnusableUrl::NotAUrl);
        }
        let loopback = ip(host).is_some_and(|ip| ip.is_loopback());
        match uri.scheme_str() {
            Some("https") => {}
            Some("http") if loopback => {}
            Some("http") => return Err(UnusableUrl::PlainHttp),
            _ => return Err(UnusableUrl::NotAUrl),
        }
        Ok(Self { text: text.to_owned(), loopback })
    }

    /// The URL as in the configuration.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the host is a literal loopback address, so that requests stay on this machine.
    pub fn is_loopback(&self) -> bool {
        self.loopback
    }
}

impl fmt::Display for EndpointUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The reason why a URL is not usable as an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnusableUrl {
    /// It is not a URL with scheme `https` or `http` and a host.
    #[error("an endpoint must be a URL like https://host:port")]
    NotAUrl,
    /// It would send codes without encryption.
    #[error("plain http is allowed for 127.0.0.1 and [::1] only; use https")]
    PlainHttp,
    /// It has user information, a query or a fragment.
    #[error("an endpoint must not have a user name, query or fragment")]
    Excess,
}

fn ip(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

fn is_host(host: &str) -> bool {
    let name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    !host.is_empty() && (ip(host).is_some() || host.bytes().all(name))
}

fn has_usable_port(uri: &Uri, host: &str) -> bool {
    let without = uri.authority().is_some_and(|authority| authority.as_str() == host);
    without || uri.port_u16().is_some_and(|port| port != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn valid_endpoints_are_accepted() {
        for (text, loopback) in [
            ("https://cognito-idp.eu-central-1.amazonaws.com", false),
            ("https://cognito.example:8443/idp", false),
            ("https://127.0.0.1:1", true),
            ("http://127.0.0.1:9229", true),
            ("http://127.8.9.1:9229/", true),
            ("http://[::1]:9229", true),
        ] {
            let url = EndpointUrl::parse(text).unwrap();
            assert_eq!((url.as_str(), url.is_loopback()), (text, loopback));
        }
    }

    #[test]
    fn invalid_endpoints_are_refused() {
        use UnusableUrl::{Excess, NotAUrl, PlainHttp};
        for (text, error) in [
            ("http://cognito.example", PlainHttp),
            ("http://localhost:9229", PlainHttp),
            ("http://127.0.0.1.example", PlainHttp),
            ("http://[::ffff:10.0.0.1]", PlainHttp),
            ("https://user:password@cognito.example", Excess),
            ("http://127.0.0.1@evil.example", Excess),
            ("https://cognito.example/?a=b", Excess),
            ("https://cognito.example/#a", Excess),
            ("ftp://127.0.0.1", NotAUrl),
            ("127.0.0.1:9229", NotAUrl),
            ("/path", NotAUrl),
            ("https://", NotAUrl),
            ("https://host:0", NotAUrl),
            ("https://host:", NotAUrl),
            ("https://host:65536", NotAUrl),
            ("https://ho%73t", NotAUrl),
            ("https://ho st", NotAUrl),
            ("", NotAUrl),
        ] {
            assert_eq!(EndpointUrl::parse(text), Err(error), "{text}");
        }
    }
}
