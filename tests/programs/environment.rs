//! The environment variables of libraries, which the daemon obeys as oathbridged(8) says.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that panics has failed")]

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use rustls::pki_types::PrivateKeyDer;
use rustls::{AlertDescription, ServerConfig};
use testkit::client::Options;
use testkit::scenario::Scenario;
use tokio::net::{TcpListener, UnixListener};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

const DAEMON: &str = env!("CARGO_BIN_EXE_oathbridged");

/// Only a daemon that ignores its environment gets here.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(60);

const TOKEN: &str = "[[token]]
serial = 31415926
credential = [{ issuer = 'AWS', account = 'alice', seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' }]
";

/// The seed of the token.
const SEED: &[u8] = b"12345678901234567890";

/// Whether a daemon with this variable connects to a socket; `value` makes its value from the path of the socket.
async fn connects(variable: &str, value: impl Fn(&Path) -> String) -> bool {
    let mut world = Scenario::program(DAEMON).prepare().await.unwrap();
    let socket = world.stage.home().join("socket");
    let listener = UnixListener::bind(&socket).unwrap();
    world.stage.set_variable(variable, value(&socket));
    let _daemon = world.stage.spawn().unwrap();
    timeout(CONNECTION_TIMEOUT, listener.accept()).await.is_ok()
}

#[tokio::test]
async fn the_environment_names_the_socket_of_pcscd() {
    assert!(connects("PCSCLITE_CSOCK_NAME", |socket| socket.display().to_string()).await);
}

#[tokio::test]
async fn the_environment_names_the_bus_of_logind() {
    assert!(connects("DBUS_SYSTEM_BUS_ADDRESS", |socket| format!("unix:path={}", socket.display())).await);
}

fn acceptor(certified: &CertifiedKey<KeyPair>) -> TlsAcceptor {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder =
        ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let key = PrivateKeyDer::Pkcs8(certified.signing_key.serialize_der().into());
    let chain = vec![certified.cert.der().clone()];
    TlsAcceptor::from(Arc::new(builder.with_no_client_auth().with_single_cert(chain, key).unwrap()))
}

/// Whether a daemon with this variable submits a code to a server whose certificate is in that file of a folder. It is
/// distrusted only if the daemon says so; any other end of the handshake fails the test.
async fn trusts(variable: &str, file: &str, value: impl Fn(&Path) -> String) -> bool {
    let certified = generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = format!(
        "[pcsc]\nenabled = false\n[cognito]\nmin_seconds_left = 0\n\
         connect_timeout = 50.0\nrequest_timeout = 60.0\n[profiles.fake]\nregion = 'eu-central-1'\n\
         client_id = 'client'\nendpoint_url = 'https://{}'\n",
        listener.local_addr().unwrap()
    );
    let scenario = Scenario::program(DAEMON).virtual_tokens(TOKEN).config(&config);
    let mut world = scenario.prepare().await.unwrap();
    let acceptor = acceptor(&certified);
    let folder = world.stage.home().join("authorities");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join(file), certified.cert.pem()).unwrap();
    world.stage.set_variable(variable, value(&folder));
    world.start_daemon().await.unwrap();

    let user = world.cognito.ready_user("alice", SEED).unwrap();
    let options: Options<'static> =
        [("profile", "fake".into()), ("access-token", user.access_token.into())].into();
    let credential = world.client.credential("alice").await.unwrap();
    let client = world.client.clone();
    let calling = tokio::spawn(async move { client.verify(&credential, options).await });
    let (stream, _) = timeout(CONNECTION_TIMEOUT, listener.accept()).await.unwrap().unwrap();
    // The daemon sends its part of the handshake after it has checked the certificate.
    let accepted = timeout(CONNECTION_TIMEOUT, acceptor.accept(stream)).await.unwrap();
    calling.abort();
    let Err(error) = accepted else { return true };
    let alert = error.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>());
    let unknown = rustls::Error::AlertReceived(AlertDescription::UnknownCA);
    assert_eq!(alert, Some(&unknown), "{error}");
    false
}

/// The name that c_rehash gives to a file, as far as its form matters.
const FILE: &str = "0123abcd.0";

#[tokio::test]
async fn the_environment_names_a_file_of_certificate_authorities() {
    assert!(trusts("SSL_CERT_FILE", FILE, |folder| folder.join(FILE).display().to_string()).await);
}

#[tokio::test]
async fn the_environment_names_a_folder_of_certificate_authorities() {
    assert!(trusts("SSL_CERT_DIR", FILE, |folder| folder.display().to_string()).await);
}

#[tokio::test]
async fn without_these_variables_a_certificate_of_nobody_is_not_trusted() {
    assert!(!trusts("UNRELATED", FILE, |folder| folder.display().to_string()).await);
}
