//! A smart card service that closes connections without an answer: it refuses the user, or it is stopping.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::fs;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use oathbridge::device::{Problem, Transport};
use oathbridge::transport::pcsc::PcscTransport;
use rustix::io::ioctl_fionread;
use testkit::own_process::Folder;

/// The first message of a client: a header of 8 bytes, and the version of the protocol in 12 (`winscard_msg.h`).
const FIRST_MESSAGE_BYTES: u64 = 20;

/// The socket of the service, and its path.
fn service() -> (UnixListener, PathBuf, tempfile::TempDir) {
    let folder = Folder::own().unwrap().pcscd().unwrap();
    let path = PathBuf::from(std::env::var_os("PCSCLITE_CSOCK_NAME").unwrap());
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    (UnixListener::bind(&path).unwrap(), path, folder)
}

/// A client that has written, and of which nothing is read.
fn client(listener: &UnixListener) -> UnixStream {
    let client = listener.accept().unwrap().0;
    // To a client that writes later, there seems to be no service.
    let begun = Instant::now();
    while ioctl_fionread(&client).unwrap() < FIRST_MESSAGE_BYTES {
        assert!(begun.elapsed() < Duration::from_secs(60), "the client does not write");
        thread::yield_now();
    }
    client
}

/// The problem of the first report.
fn first_problem() -> Option<Problem> {
    let (transport, mut first) = (PcscTransport::new(Vec::new()), None);
    transport.watch(&mut |presence| {
        first = presence.problems.first().copied();
        false
    });
    first
}

#[testkit::test]
async fn a_service_that_is_gone_after_closing_two_connections_was_stopping() {
    let (listener, path, _folder) = service();
    let closing = thread::spawn(move || {
        drop(client(&listener));
        let last = client(&listener);
        fs::remove_file(path).unwrap();
        drop((listener, last));
    });
    assert_eq!(first_problem(), Some(Problem::PcscUnavailable));
    closing.join().unwrap();
}

#[testkit::test]
async fn a_service_that_closes_three_connections_refuses_the_user() {
    let (listener, _path, _folder) = service();
    let closed = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&closed);
    thread::spawn(move || {
        loop {
            let client = client(&listener);
            counted.fetch_add(1, Ordering::SeqCst);
            drop(client);
        }
    });
    assert_eq!(first_problem(), Some(Problem::PcscDenied));
    assert_eq!(closed.load(Ordering::SeqCst), 3);
}
