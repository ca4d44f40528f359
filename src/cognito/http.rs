//! The HTTP client of one request: trusted certificates, proxy, connections.

use std::sync::{Arc, Once};

use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::http::{SharedHttpClient, SharedHttpConnector, http_client_fn};

use super::exchange::{Exchange, OneRequest};
use super::{Endpoint, Settings};
use crate::clock::Clock;

/// Reads the system's certificate authorities, which the SDK otherwise does when it first connects, and keeps. Blocks.
pub fn load_system_authorities() {
    static LOADED: Once = Once::new();
    let load = || drop(Connector::builder().tls_provider(Provider::rustls(CryptoMode::AwsLc)).build());
    LOADED.call_once(load);
}

/// The checked settings to reach a server.
pub(super) struct Route {
    trust: TrustStore,
    proxy: ProxyConfig,
}

/// The setting that is not usable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unusable(pub(super) &'static str);

impl Route {
    pub(super) fn new(settings: &Settings, endpoint: &Endpoint) -> Result<Self, Unusable> {
        let mut trust = TrustStore::default();
        if let Some(certificates) = &settings.ca_certificates {
            // The certificates were checked when they were read, because the SDK panics on invalid ones.
            trust = trust.with_pem_certificate(certificates.pem());
        }
        Ok(Self { trust, proxy: proxy(settings, endpoint)? })
    }

    /// A client for one request; see [`OneRequest`].
    pub(super) fn client(&self, exchange: Arc<Exchange>, clock: Arc<dyn Clock>) -> Option<SharedHttpClient> {
        let tls = TlsContext::builder().with_trust_store(self.trust.clone()).build().ok()?;
        let proxy = self.proxy.clone();
        Some(http_client_fn(move |settings, components| {
            let mut builder = Connector::builder()
                .connector_settings(settings.clone())
                .proxy_config(proxy.clone())
                .pool_max_idle_per_host(0)
                .tls_provider(Provider::rustls(CryptoMode::AwsLc))
                .tls_context(tls.clone());
            builder.set_sleep_impl(components.sleep_impl());
            SharedHttpConnector::new(OneRequest {
                inner: SharedHttpConnector::new(builder.build()),
                exchange: Arc::clone(&exchange),
                clock: Arc::clone(&clock),
            })
        }))
    }
}

/// Requests to a loopback endpoint must stay on this machine, so they use no proxy.
fn proxy(settings: &Settings, endpoint: &Endpoint) -> Result<ProxyConfig, Unusable> {
    if endpoint.url.as_ref().is_some_and(|url| url.is_loopback()) {
        return Ok(ProxyConfig::disabled());
    }
    match &settings.proxy {
        Some(url) => ProxyConfig::https(url.as_str()).map_err(|_| Unusable("proxy")),
        None => Ok(ProxyConfig::from_env()),
    }
}
