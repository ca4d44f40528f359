//! Messages with descriptors: the daemon refuses those that a method does not take, and none stops it.

use std::os::fd::AsFd;

use oathbridge::dbus::names::ROOT;
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
use testkit::client::{Extra, Options, memfd};
use zbus::{Fd, ObjectPath};

use super::Bench;

const INVALID: &str = "org.freedesktop.DBus.Error.InvalidArgs";

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
