//! An access token of a user pool in another region than the one that is asked.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::thread;

use rcgen::{CertificateParams, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use testkit::fake_cognito::Fault;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::{Bench, ONE_ATTEMPT};

/// The host of the region that the profile names.
const HOST: &str = "cognito-idp.us-east-1.amazonaws.com";

/// A proxy on loopback that is this host itself, so that nothing leaves the machine. It runs until the process ends.
struct Aws {
    address: SocketAddr,
    /// The certificate of the host, as PEM.
    certificate: String,
    fake: Arc<OnceLock<SocketAddr>>,
}

impl Aws {
    fn start() -> Self {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new([HOST.to_owned()]).unwrap().self_signed(&key).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        let config = builder
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let fake = Arc::new(OnceLock::new());
        let (acceptor, target) = (TlsAcceptor::from(Arc::new(config)), Arc::clone(&fake));
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = TcpListener::from_std(listener).unwrap();
                loop {
                    let (stream, _) = listener.accept().await.unwrap();
                    let target = *target.get().unwrap();
                    // A client may close its connection at any time, or keep it for the next request.
                    tokio::spawn(forward(stream, acceptor.clone(), target));
                }
            });
        });
        Self { address, certificate: certificate.pem(), fake }
    }
}

/// One tunnel, from the request for it to its end.
async fn forward(mut stream: TcpStream, acceptor: TlsAcceptor, target: SocketAddr) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    assert!(head.starts_with(format!("CONNECT {HOST}:443 ").as_bytes()));
    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
    let mut outside = acceptor.accept(stream).await?;
    let mut inside = TcpStream::connect(target).await?;
    copy_bidirectional(&mut outside, &mut inside).await?;
    Ok(())
}

#[testkit::test]
async fn the_refusal_of_an_access_token_of_another_region_names_both() {
    let aws = Aws::start();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, &aws.certificate).unwrap();
    let config = format!(
        "{ONE_ATTEMPT}proxy = 'http://{}'\nca_file = '{}'\n[profiles.elsewhere]\nregion = 'us-east-1'\n\
         [profiles.emulator]\nregion = 'us-east-1'\nendpoint_url = 'COGNITO_URL'\n",
        aws.address,
        file.display()
    );
    let bench = Bench::new(&config).await;
    aws.fake.set(bench.world.cognito.address()).unwrap();
    let warning =
        "a code was submitted in us-east-1, but the user pool of the access token is in eu-central-1";

    let refuse =
        || bench.world.cognito.fail(Fault::exception("NotAuthorizedException", "Invalid Access Token"));
    // An emulator has no region to compare.
    for profile in ["fake", "emulator"] {
        refuse();
        let same = bench.verify_at(profile, &bench.fresh().await).await.unwrap_err();
        assert_eq!(same.name, "Cognito.NotAuthorized");
        assert!(!same.sentence.contains("us-east-1"), "{same:?}");
    }
    let mut gone = bench.fresh().await;
    let end = gone.path.pop();
    gone.path.push(if end == Some('0') { '1' } else { '0' });
    assert_eq!(bench.verify_at("elsewhere", &gone).await.unwrap_err().name, "NoSuchCredential");
    assert!(
        !bench.world.stage.log().unwrap().contains("the user pool of the access token"),
        "nothing was sent"
    );

    refuse();
    let other = bench.verify_at("elsewhere", &bench.fresh().await).await.unwrap_err();
    assert_eq!(other.name, "Cognito.NotAuthorized", "{other:?}");
    assert!(
        other.sentence.starts_with(
            "Cognito in us-east-1 refused the access token, whose user pool is in eu-central-1; "
        ),
        "{other:?}"
    );
    assert!(other.sentence.contains("sign in again if the pool has a replica there"), "{other:?}");
    assert!(bench.world.stage.log().unwrap().contains(warning));
    // A pool with a replica takes the token.
    bench.verify_at("elsewhere", &bench.fresh().await).await.unwrap();
}
