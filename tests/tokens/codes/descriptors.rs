//! Valid and invalid file descriptors for secrets.

use std::fs::File;
use std::io::{Write, pipe};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use futures_util::future::join_all;
use testkit::client::{Options, memfd};
use zbus::Fd;

use super::Bench;

const LOCKED: &str = "password = 'correct horse'";

/// The time in which a descriptor has to be written and closed.
const READ_TIMEOUT: Duration = Duration::from_secs(2);

const INVALID: &str = "org.freedesktop.DBus.Error.InvalidArgs";

/// The name of the error of an unlock with this descriptor.
async fn refusal(bench: &Bench, token: &str, secret: &impl AsFd) -> String {
    bench.client().unlock_with(token, secret).await.unwrap_err().name
}

#[testkit::test]
async fn an_invalid_descriptor_is_refused_before_the_token_is_used() {
    let bench = Bench::new(LOCKED, "[limits]\nunlocks_per_minute = 100\n").await;
    let token = bench.client().find(&[]).await.unwrap().1.remove(0);
    let before = bench.card().log().len();
    let write_only = File::options().write(true).open("/dev/null").unwrap();
    for (what, file) in [
        ("a directory", File::open("/").unwrap()),
        ("a device", File::open("/dev/null").unwrap()),
        ("a device to write to", write_only),
        ("nothing", memfd(b"").unwrap().into()),
        ("a line feed", memfd(b"\n").unwrap().into()),
        ("too much", memfd(&[b'x'; 64 * 1024 + 1]).unwrap().into()),
        ("not UTF-8", memfd(b"caf\xe9").unwrap().into()),
    ] {
        assert_eq!(refusal(&bench, &token, &file).await, INVALID, "{what}");
    }
    let (reader, writer) = pipe().unwrap();
    assert_eq!(refusal(&bench, &token, &writer).await, INVALID, "the write end of a pipe");
    drop(writer);
    assert_eq!(refusal(&bench, &token, &reader).await, INVALID, "an empty pipe");

    let (reader, mut writer) = pipe().unwrap();
    writer.write_all(b"correct horse").unwrap();
    let (late, passed) = tokio::join!(refusal(&bench, &token, &reader), bench.world.pass(READ_TIMEOUT));
    passed.unwrap();
    assert_eq!(late, INVALID, "a pipe that is never closed");
    assert_eq!(bench.card().log().len(), before, "no command was sent to the token");
}

#[testkit::test]
async fn every_kind_of_descriptor_with_the_password_unlocks() {
    let bench = Bench::new(LOCKED, "").await;
    let client = bench.client();
    let token = client.find(&[]).await.unwrap().1.remove(0);
    // A file is read from its start, whatever its offset.
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(b"correct horse\n").unwrap();
    client.unlock_with(&token, &file).await.unwrap();
    let (mine, theirs) = UnixStream::pair().unwrap();
    let writer = tokio::task::spawn_blocking(move || {
        for part in ["corr", "ect ", "horse"] {
            (&mine).write_all(part.as_bytes()).unwrap();
        }
    });
    client.unlock_with(&token, &theirs).await.unwrap();
    writer.await.unwrap();
    // The maximum length: it is read completely, and the token refuses it.
    let long = memfd(&[b'x'; 64 * 1024]).unwrap();
    assert_eq!(refusal(&bench, &token, &long).await, "WrongPassword");
}

#[testkit::test]
async fn descriptors_without_a_writer_do_not_delay_other_callers() {
    let bench = Bench::new(LOCKED, "").await;
    let token = bench.client().find(&[]).await.unwrap().1.remove(0);
    let mut writers = Vec::new();
    let mut calls = Vec::new();
    for _ in 0..8 {
        let (reader, writer) = pipe().unwrap();
        let (client, token) = (bench.client().clone(), token.clone());
        writers.push(writer);
        calls.push(tokio::spawn(async move { client.unlock_with(&token, &reader).await }));
    }
    // The calls have arrived when a later call of the same connection is answered.
    bench.client().problems().await.unwrap();
    let other = bench.world.stage.client().await.unwrap();
    let (reader, mut writer) = pipe().unwrap();
    writer.write_all(b"correct horse").unwrap();
    drop(writer);
    // No time passes meanwhile.
    other.unlock_with(&token, &reader).await.unwrap();
    let time_passes = async {
        loop {
            bench.world.pass(READ_TIMEOUT).await.unwrap();
        }
    };
    let results = tokio::select! {
        results = join_all(calls) => results,
        never = time_passes => never,
    };
    let names: Vec<_> = results.into_iter().map(|result| result.unwrap().unwrap_err().name).collect();
    assert!(names.iter().filter(|name| *name == INVALID).count() >= 2, "{names:?}");
    assert!(names.iter().all(|name| name == INVALID || name == "Busy"), "{names:?}");
}

#[testkit::test]
async fn a_descriptor_counts_once_whatever_its_content() {
    let bench = Bench::new(LOCKED, "[limits]\nunlocks_per_minute = 2\n").await;
    let token = bench.client().find(&[]).await.unwrap().1.remove(0);
    let nothing = memfd(b"").unwrap();
    // Nothing is read for a call with invalid arguments.
    for _ in 0..3 {
        let body = (Fd::from(nothing.as_fd()), Options::from([("nonsense", true.into())]));
        let refusal = bench.client().call::<_, ()>(&token, "Token", "Unlock", &body).await.unwrap_err();
        assert_eq!(refusal.name, INVALID);
    }
    bench.client().unlock(&token, "correct horse").await.unwrap();
    assert_eq!(refusal(&bench, &token, &nothing).await, INVALID);
    assert_eq!(refusal(&bench, &token, &nothing).await, "RateLimited");
}
