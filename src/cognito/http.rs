//! The HTTP client of one request: trust, proxy, connections.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::http::{SharedHttpClient, SharedHttpConnector, http_client_fn};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::exchange::{Exchange, OneRequest};
use super::{Endpoint, Settings};
use crate::clock::Clock;

/// More than any bundle of the world's certificate authorities has.
const LONGEST_CA_FILE: u64 = 2 << 20;

/// How to reach a server, checked.
pub(super) struct Route {
    trust: TrustStore,
    proxy: ProxyConfig,
}

/// The setting that can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unusable(pub(super) &'static str);

impl Route {
    pub(super) fn new(settings: &Settings, endpoint: &Endpoint) -> Result<Self, Unusable> {
        let mut trust = TrustStore::default();
        if let Some(path) = &settings.ca_file {
            trust = trust.with_pem_certificate(certificates(path).ok_or(Unusable("ca_file"))?);
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

/// What a loopback endpoint gets must stay on this machine, whatever proxy the environment names.
fn proxy(settings: &Settings, endpoint: &Endpoint) -> Result<ProxyConfig, Unusable> {
    if endpoint.url.as_ref().is_some_and(|url| url.is_loopback()) {
        return Ok(ProxyConfig::disabled());
    }
    match &settings.proxy {
        Some(url) => ProxyConfig::https(url.as_str()).map_err(|_| Unusable("proxy")),
        None => Ok(ProxyConfig::from_env()),
    }
}

/// The bytes of a PEM file that holds certificates and nothing unreadable: the SDK panics on others.
fn certificates(path: &Path) -> Option<Vec<u8>> {
    let metadata = fs::metadata(path).ok()?;
    if !metadata.is_file() || metadata.len() > LONGEST_CA_FILE {
        return None;
    }
    let pem = fs::read(path).ok()?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        roots.add(certificate.ok()?).ok()?;
    }
    (!roots.is_empty()).then_some(pem)
}
