//! Messages with descriptors: the daemon refuses those that a method does not take, and none stops it.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use oathbridge::dbus::names::{self, ROOT};
use rustix::net::sockopt::set_socket_linger;
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
use testkit::client::{Client, Extra, Options, Refusal, memfd};
use zbus::message::Message;
use zbus::{Fd, ObjectPath};

use super::Bench;

const INVALID: &str = "org.freedesktop.DBus.Error.InvalidArgs";

/// A socket that a close would wait for during ten minutes: its peer, the second value, reads nothing.
fn lingering() -> (OwnedFd, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let socket = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (peer, _) = listener.accept().unwrap();
    socket.set_nonblocking(true).unwrap();
    while (&socket).write(&[0; 65_536]).is_ok() {}
    set_socket_linger(&socket, Some(Duration::from_secs(600))).unwrap();
    (socket.into(), peer)
}

async fn unlock(client: &Client, token: &str, fd: OwnedFd) -> Result<(), Refusal> {
    client.call(token, "Token", "Unlock", &(Fd::from(fd), Options::new())).await
}

fn token_of(credential: &str) -> String {
    credential.replace("credentials", "tokens").rsplit_once('_').unwrap().0.to_owned()
}

#[tokio::test]
async fn a_method_that_takes_no_descriptor_or_fewer_refuses_the_message() {
    let bench = Bench::new("").await;
    let secret = memfd(b"secret").unwrap();
    let fd = || Fd::from(secret.as_fd());
    for method in ["LockAll", "FindCredentials", "Unheard"] {
        let refusal = bench.client.call::<_, ()>(ROOT, "Manager", method, &fd()).await.unwrap_err();
        assert_eq!(refusal.name, INVALID);
        assert!(refusal.sentence.contains("takes no file descriptor"), "{method}: {refusal:?}");
    }
    let options = || Options::from([("access-token", fd().into()), ("session", fd().into())]);
    let body = (ObjectPath::try_from("/").unwrap(), options());
    let refusal =
        bench.client.call::<_, ()>(ROOT, "Cognito", "VerifySoftwareToken", &body).await.unwrap_err();
    assert_eq!(refusal.name, INVALID);
    assert!(refusal.sentence.contains("takes one file descriptor"), "{refusal:?}");
}

#[tokio::test]
async fn each_option_has_a_descriptor_of_its_own() {
    let bench = Bench::new("").await;
    let answer = async |secret: &[u8], hash: &[u8]| {
        let (secret, hash) = (memfd(secret).unwrap(), memfd(hash).unwrap());
        let options = Options::from([
            ("challenge-name", "SOFTWARE_TOKEN_MFA".into()),
            ("session", Fd::from(secret.as_fd()).into()),
            ("secret-hash", Fd::from(hash.as_fd()).into()),
            ("username", "alice".into()),
            ("client-id", "client".into()),
            ("region", "eu-central-1".into()),
        ]);
        let body = (ObjectPath::try_from(bench.alice.as_str()).unwrap(), options);
        bench.client.call::<_, ()>(ROOT, "Cognito", "RespondToMfaChallenge", &body).await.unwrap_err()
    };
    let refusal = answer(b"0123456789abcdef0123456789abcdef", b"\xff").await;
    assert!(refusal.sentence.contains("not UTF-8"), "the second one is read second: {refusal:?}");
    let refusal = answer(b"\xff", b"hash").await;
    assert!(refusal.sentence.contains("not UTF-8"), "the first one is read first: {refusal:?}");
}

#[tokio::test]
async fn a_socket_that_lingers_stops_nobody() {
    // dbus-broker may be the last one to close such a socket, and this test is about the daemon.
    if std::env::var_os("OATHBRIDGE_TEST_BUS").is_some() {
        return;
    }
    let bench = Bench::new("").await;
    let token = token_of(&bench.alice);
    let attacker = bench.stage.client().await.unwrap();
    let call = |member| Message::method_call(ROOT, member).destination(names::BUS);
    let (mut peers, mut sockets) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        let (socket, peer) = lingering();
        peers.push(peer);
        sockets.push(socket);
    }
    let mut next = || Fd::from(sockets.pop().unwrap());
    // In a call that takes none, in a signal, and in a call that takes one.
    let refused = call("LockAll").interface(names::MANAGER).build(&next()).unwrap();
    let signal = Message::signal(ROOT, "com.example.Noise", "Noise").destination(names::BUS);
    let signal = signal.build(&next()).unwrap();
    for message in [&refused, &signal] {
        attacker.connection().send(message).await.unwrap();
    }
    drop((refused, signal));
    let refusal = unlock(&attacker, &token, OwnedFd::try_from(next()).unwrap()).await.unwrap_err();
    assert!(refusal.sentence.contains("2 seconds"), "{refusal:?}");
    for _ in 0..3 {
        bench.client.call::<_, Extra>(ROOT, "Manager", "GetCallerInfo", &()).await.unwrap();
    }
    let alice = bench.client.calculate(&bench.alice, Options::new()).await.unwrap();
    assert_eq!(alice.code.len(), 6);
}

#[tokio::test]
async fn a_daemon_without_a_free_descriptor_refuses_the_message_and_goes_on() {
    let bench = Bench::new("").await;
    let token = token_of(&bench.alice);
    let daemon = bench.daemon.as_ref().unwrap().id();
    // The identification of the caller needs descriptors too.
    bench.client.call::<_, Extra>(ROOT, "Manager", "GetCallerInfo", &()).await.unwrap();
    let pid = Pid::from_raw(i32::try_from(daemon).unwrap());
    let own = getrlimit(Resource::Nofile);
    let allow = |current| prlimit(pid, Resource::Nofile, Rlimit { current, maximum: own.maximum }).unwrap();
    let mut busy = 0;
    // From a limit below all open descriptors to one with room for some of these.
    for limit in 3..64 {
        allow(Some(limit));
        let fds: Vec<_> = (0..3).map(|_| Fd::from(memfd(b"secret").unwrap())).collect();
        let refusal = bench.client.call::<_, ()>(&token, "Token", "Unlock", &fds).await.unwrap_err();
        busy += usize::from(refusal.name == "Busy");
    }
    allow(own.maximum);
    assert!(busy > 0, "no message was cut");
    bench.client.calculate(&bench.alice, Options::new()).await.unwrap();
}
