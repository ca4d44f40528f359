//! The daemon's memory after a sign-in. Only root can read it.

use std::os::fd::AsFd;

use testkit::client::memfd;
use zbus::{Fd, Variant};

use super::memory::{left, may_look};
use super::sign_in::{Visitor, tokens};
use super::{Bench, CLIENT_SECRET, DAEMON};

/// With descriptors in both directions, no secret of a sign-in remains: no argument, no value that is derived from it or
/// read from a systemd credential, and no token from Cognito.
#[tokio::test]
async fn secrets_of_a_sign_in_in_descriptors_are_wiped_after_it() {
    let bench = Bench::new(DAEMON).await;
    if !may_look(&bench) {
        return;
    }
    bench.world.cognito.set_client_secret(CLIENT_SECRET);
    bench.unlock().await;
    let mut secrets = vec![CLIENT_SECRET.to_owned()];
    for number in 0..3 {
        let visitor = Visitor::new(&bench, number, number == 2).await;
        let (session, secret) = (memfd(visitor.session.as_bytes()), memfd(CLIENT_SECRET.as_bytes()));
        let (session, secret) = (session.unwrap(), secret.unwrap());
        let hash = memfd(visitor.hash().as_bytes()).unwrap();
        let mut options = visitor.options(if number == 2 { "kept" } else { "fake" });
        options.insert("session", Variant::Fd(Fd::from(session.as_fd())));
        options.insert("tokens-as-fd", true.into());
        match number {
            0 => drop(options.insert("client-secret", Variant::Fd(Fd::from(secret.as_fd())))),
            1 => drop(options.insert("secret-hash", Variant::Fd(Fd::from(hash.as_fd())))),
            _ => drop(options.insert("challenge-name", "SELECT_MFA_TYPE".into())),
        }
        secrets.extend(tokens(visitor.respond(&bench, options).await.unwrap()));
        secrets.push(visitor.hash());
    }
    secrets.extend(bench.world.cognito.sessions());
    let secrets: Vec<_> = secrets.iter().map(String::as_str).collect();
    assert_eq!(left(&bench, &secrets, 0).await, vec![0; secrets.len()], "of {} secrets", secrets.len());
}

/// zbus reads into a buffer of 4 KiB, which keeps the last messages until later ones overwrite them. Messages that it
/// writes are freed and so wiped.
#[tokio::test]
async fn secrets_of_a_sign_in_in_messages_remain_only_in_the_bus_buffer() {
    let bench = Bench::new(DAEMON).await;
    if !may_look(&bench) {
        return;
    }
    bench.unlock().await;
    let visitor = Visitor::new(&bench, 0, false).await;
    let [access, id, refresh] = tokens(visitor.respond(&bench, visitor.options("fake")).await.unwrap());
    let one_copy = visitor.session.len().div_ceil(100);
    let left = left(&bench, &[&visitor.session, &access, &id, &refresh], one_copy).await;
    println!("{left:?} of {one_copy} pieces of session and tokens are left");
    assert!(left[0] <= one_copy && left[1..] == [0; 3], "there is more than one copy: {left:?}");
}
