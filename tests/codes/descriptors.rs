//! File descriptors with secrets in them, and others.

use std::fs::File;
use std::io::{Write, pipe};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use testkit::client::memfd;

use super::Bench;

const LOCKED: &str = "password = 'correct horse'";

/// The name of the error of unlocking with this.
async fn refusal(bench: &Bench, token: &str, secret: &impl AsFd) -> String {
    bench.client().unlock_with(token, secret).await.unwrap_err().name
}

#[tokio::test]
async fn what_holds_no_password_is_refused_before_the_token_hears_of_it() {
    const INVALID: &str = "org.freedesktop.DBus.Error.InvalidArgs";
    let bench = Bench::new(LOCKED, "").await;
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
    assert_eq!(refusal(&bench, &token, &writer).await, INVALID, "the wrong end of a pipe");
    drop(writer);
    assert_eq!(refusal(&bench, &token, &reader).await, INVALID, "an empty pipe");

    let (reader, mut writer) = pipe().unwrap();
    writer.write_all(b"correct horse").unwrap();
    let begun = Instant::now();
    assert_eq!(refusal(&bench, &token, &reader).await, INVALID, "a pipe that is never closed");
    assert!(begun.elapsed() >= Duration::from_secs(2));
    assert_eq!(bench.card().log().len(), before, "the token was left alone");
}

#[tokio::test]
async fn what_holds_the_password_opens_it() {
    let bench = Bench::new(LOCKED, "").await;
    let client = bench.client();
    let token = client.find(&[]).await.unwrap().1.remove(0);
    // A file is read from its start, wherever its position is.
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
    // As long as can be: read whole, and refused by the token rather than by its length.
    let long = memfd(&[b'x'; 64 * 1024]).unwrap();
    assert_eq!(refusal(&bench, &token, &long).await, "WrongPassword");
}
