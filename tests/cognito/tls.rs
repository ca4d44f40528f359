//! TLS: a failed handshake spends no code; after the handshake the code may have been sent.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread;

use oathbridge::certificates::CaCertificates;
use oathbridge::cognito::{Cause, Delivered, ErrorKind, Settings};
use rcgen::{CertificateParams, CertifiedKey, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tempfile::NamedTempFile;
use testkit::fake_cognito::Fault;
use tokio::io::copy_bidirectional;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

use crate::rig::{Rig, STEP, code, patient, verdict};

const UNSENT: (ErrorKind, Delivered) = (ErrorKind::Tls, Delivered::No);

/// A TLS proxy in front of a plain server, stopped on drop.
struct Front {
    address: SocketAddr,
    _stop: oneshot::Sender<()>,
}

impl Front {
    fn start(config: ServerConfig, target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                let acceptor = TlsAcceptor::from(Arc::new(config));
                tokio::select! {
                    _ = stopped => {}
                    () = forward(listener, acceptor, target) => {}
                }
            });
        });
        Self { address, _stop: stop }
    }

    fn url(&self) -> String {
        format!("https://{}", self.address)
    }
}

async fn forward(listener: tokio::net::TcpListener, acceptor: TlsAcceptor, target: SocketAddr) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            // Clients that refuse the certificate close the connection.
            let Ok(mut outside) = acceptor.accept(stream).await else { return };
            let mut inside = TcpStream::connect(target).await.unwrap();
            let _ = copy_bidirectional(&mut outside, &mut inside).await;
        });
    }
}

/// A self-signed certificate.
struct Certificate {
    certified: CertifiedKey<KeyPair>,
}

impl Certificate {
    fn new(name: &str, last_year: i32) -> Self {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(2019, 1, 1);
        params.not_after = rcgen::date_time_ymd(last_year, 12, 31);
        let signing_key = KeyPair::generate().unwrap();
        let cert = params.self_signed(&signing_key).unwrap();
        Self { certified: CertifiedKey { cert, signing_key } }
    }

    fn server(&self) -> ServerConfig {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder =
            ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        builder.with_no_client_auth().with_single_cert(self.chain(), self.key()).unwrap()
    }

    /// A server that requires a client certificate, which the client does not have.
    fn demanding_server(&self) -> ServerConfig {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(self.certified.cert.der().clone()).unwrap();
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build().unwrap();
        let builder =
            ServerConfig::builder_with_provider(provider).with_protocol_versions(&[&rustls::version::TLS13]);
        builder
            .unwrap()
            .with_client_cert_verifier(verifier)
            .with_single_cert(self.chain(), self.key())
            .unwrap()
    }

    fn trusted(&self) -> Settings {
        let file = NamedTempFile::new().unwrap();
        std::fs::write(&file, self.certified.cert.pem()).unwrap();
        let certificates = CaCertificates::read(file.path()).unwrap();
        Settings { ca_certificates: Some(certificates), ..patient() }
    }

    fn chain(&self) -> Vec<rustls::pki_types::CertificateDer<'static>> {
        vec![self.certified.cert.der().clone()]
    }

    fn key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(self.certified.signing_key.serialize_der().into())
    }
}

#[tokio::test]
async fn nothing_is_sent_to_an_unknown_issuer_until_the_ca_file_contains_it() {
    let rig = Rig::new();
    let certificate = Certificate::new("127.0.0.1", 2999);
    let front = Front::start(certificate.server(), rig.fake.address());

    let client = rig.client_at(&front.url(), &patient());
    let failure = rig.failure(&client, &rig.token()).await;
    assert_eq!((verdict(&failure), failure.cause), (UNSENT, Some(Cause::CertificateIssuer)));
    assert_eq!(rig.arrived(), 0);

    let client = rig.client_at(&front.url(), &certificate.trusted());
    client.verify_software_token(&rig.token(), &code(STEP), "").await.result.unwrap();
    assert_eq!(rig.arrived(), 1);
}

#[tokio::test]
async fn requests_to_loopback_do_not_use_the_proxy_of_the_settings() {
    let rig = Rig::new();
    let certificate = Certificate::new("127.0.0.1", 2999);
    let front = Front::start(certificate.server(), rig.fake.address());
    let proxy = Some("http://proxy.invalid:3128".to_owned());
    let client = rig.client_at(&front.url(), &Settings { proxy, ..certificate.trusted() });
    client.verify_software_token(&rig.token(), &code(STEP), "").await.result.unwrap();
}

#[tokio::test]
async fn nothing_is_sent_to_a_server_with_a_wrong_name_or_expired_certificate() {
    let rig = Rig::new();
    let wrong_name = (Certificate::new("cognito.example", 2999), Cause::CertificateName);
    let expired = (Certificate::new("127.0.0.1", 2020), Cause::CertificateTime);
    for (certificate, cause) in [wrong_name, expired] {
        let front = Front::start(certificate.server(), rig.fake.address());
        let client = rig.client_at(&front.url(), &certificate.trusted());
        let failure = rig.failure(&client, &rig.token()).await;
        assert_eq!((verdict(&failure), failure.cause), (UNSENT, Some(cause)));
    }
    assert_eq!(rig.arrived(), 0);
}

#[tokio::test]
async fn nothing_is_sent_to_a_server_without_tls() {
    let rig = Rig::new();
    let client = rig.client_at(&format!("https://{}", rig.fake.address()), &patient());
    let failure = rig.failure(&client, &rig.token()).await;
    assert_eq!((verdict(&failure), failure.cause), (UNSENT, Some(Cause::Handshake)));
    assert_eq!(rig.arrived(), 0);
}

#[tokio::test]
async fn after_a_connection_is_lost_after_the_handshake_the_code_may_have_arrived() {
    let rig = Rig::new();
    let certificate = Certificate::new("127.0.0.1", 2999);
    let front = Front::start(certificate.server(), rig.fake.address());
    rig.fake.fail(Fault::DropBefore);
    let client = rig.client_at(&front.url(), &certificate.trusted());
    let error = rig.failure(&client, &rig.token()).await;
    assert_eq!(verdict(&error), (ErrorKind::OutcomeUnknown, Delivered::Unknown));
    assert_eq!(rig.arrived(), 1);
}

/// In TLS 1.3 the client's handshake ends before the server has checked the client's certificate, so the request is
/// already sent when the alert arrives.
#[tokio::test]
async fn after_an_alert_after_the_client_s_handshake_the_code_may_have_arrived() {
    let rig = Rig::new();
    let certificate = Certificate::new("127.0.0.1", 2999);
    let front = Front::start(certificate.demanding_server(), rig.fake.address());
    let client = rig.client_at(&front.url(), &certificate.trusted());
    let error = rig.failure(&client, &rig.token()).await;
    assert_eq!(verdict(&error), (ErrorKind::OutcomeUnknown, Delivered::Unknown));
}
