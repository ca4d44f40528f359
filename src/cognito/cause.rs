//! The cause of a connection that failed.

use std::error::Error as StdError;
use std::io;

use rustls::CertificateError;

/// The cause of a connection that failed. Each text is the reason in a sentence, and has no text of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Cause {
    /// DNS has no address for the name, or no DNS server answers.
    #[error("its name cannot be resolved")]
    Name,
    /// Nothing listens at the address.
    #[error("the connection was refused")]
    Refused,
    /// The connection ended before it could be used.
    #[error("the connection was closed at its beginning")]
    Closed,
    /// There is no way to the address.
    #[error("this computer has no route to it")]
    Route,
    /// No answer in time.
    #[error("it did not answer in time")]
    Timeout,
    /// The proxy did not open a tunnel.
    #[error("the proxy refused to connect")]
    Proxy,
    /// The certificate is expired or not valid yet, by the clock of this computer.
    #[error("its certificate is not valid at this time")]
    CertificateTime,
    /// The certificate belongs to another name.
    #[error("its certificate belongs to another name")]
    CertificateName,
    /// The certificate comes from an unknown authority.
    #[error("its certificate comes from an unknown authority")]
    CertificateIssuer,
    /// TLS failed in another way.
    #[error("the TLS handshake failed")]
    Handshake,
    /// Another cause.
    #[error("the connection failed")]
    Other,
}

impl Cause {
    /// Whether the server did not prove its identity.
    pub fn is_tls(self) -> bool {
        matches!(
            self,
            Self::CertificateTime | Self::CertificateName | Self::CertificateIssuer | Self::Handshake
        )
    }

    /// The next step, without full stop.
    pub fn advice(self) -> &'static str {
        match self {
            Self::Name => "check the network, and the region or endpoint_url of the profile",
            Self::Refused => "check the endpoint_url of the profile, the proxy and the firewall",
            Self::Closed | Self::Route | Self::Timeout | Self::Other => {
                "check the network, the proxy and the firewall"
            }
            Self::Proxy => "check proxy in [cognito] of the configuration, and the variable https_proxy",
            Self::CertificateTime => "check the clock of this computer",
            Self::CertificateName => "check the endpoint_url of the profile, and the proxy",
            Self::CertificateIssuer | Self::Handshake => {
                "check ca_file in [cognito] of the configuration, and the proxy"
            }
        }
    }

    /// The cause in a chain of errors, outermost first.
    pub(super) fn of<'a>(errors: impl Iterator<Item = &'a (dyn StdError + 'static)> + Clone) -> Self {
        let tls = errors.clone().find_map(|error| error.downcast_ref::<rustls::Error>());
        if let Some(error) = tls {
            return of_tls(error);
        }
        let kind = errors.clone().filter_map(|error| Some(error.downcast_ref::<io::Error>()?.kind())).last();
        let told: Vec<_> = errors.map(ToString::to_string).collect();
        // The types of these errors are private.
        let says = |start: &str| told.iter().any(|text| text.starts_with(start));
        match kind {
            _ if says("dns error") => Self::Name,
            Some(io::ErrorKind::ConnectionRefused) => Self::Refused,
            Some(io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable) => Self::Route,
            Some(io::ErrorKind::TimedOut) => Self::Timeout,
            _ if says("tunnel error") => Self::Proxy,
            Some(io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset) => Self::Closed,
            _ if says("HTTP connect timeout") => Self::Timeout,
            _ => Self::Other,
        }
    }
}

fn of_tls(error: &rustls::Error) -> Cause {
    use CertificateError as Certificate;
    match error {
        rustls::Error::InvalidCertificate(certificate) => match certificate {
            Certificate::Expired
            | Certificate::ExpiredContext { .. }
            | Certificate::NotValidYet
            | Certificate::NotValidYetContext { .. } => Cause::CertificateTime,
            Certificate::NotValidForName | Certificate::NotValidForNameContext { .. } => {
                Cause::CertificateName
            }
            Certificate::UnknownIssuer => Cause::CertificateIssuer,
            _ => Cause::Handshake,
        },
        _ => Cause::Handshake,
    }
}
