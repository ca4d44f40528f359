//! A smart card service that closes connections without an answer: it refuses the user, or it is stopping.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that panics has failed")]

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use oathbridge::device::{Problem, Transport};
use oathbridge::transport::pcsc::PcscTransport;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
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

/// A client that has written, and of which nothing is read. One that leaves without a word is not counted: it looks who
/// listens.
fn client(listener: &UnixListener) -> UnixStream {
    loop {
        let client = listener.accept().unwrap().0;
        // To a client that writes later, there seems to be no service.
        let begun = Instant::now();
        while ioctl_fionread(&client).unwrap() < FIRST_MESSAGE_BYTES && !has_left(&client) {
            assert!(begun.elapsed() < Duration::from_secs(60), "the client does not write");
            thread::yield_now();
        }
        if ioctl_fionread(&client).unwrap() >= FIRST_MESSAGE_BYTES {
            return client;
        }
    }
}

fn has_left(client: &UnixStream) -> bool {
    let mut polled = [PollFd::new(client, PollFlags::empty())];
    poll(&mut polled, Some(&Timespec::default())).unwrap();
    polled[0].revents().contains(PollFlags::HUP)
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

/// The error SCARD_E_SERVICE_STOPPED (`pcsclite.h`), with which pcscd refuses the version of a library.
const SERVICE_STOPPED: u32 = 0x8010_001e;

/// For example a container with the library of one release and the socket of a host with another one.
#[testkit::test]
async fn a_service_of_another_release_is_told_from_one_that_is_stopping() {
    let (listener, _path, _folder) = service();
    thread::spawn(move || {
        loop {
            let mut client = client(&listener);
            client.read_exact(&mut [0; 20]).unwrap();
            // The version of the service, and its verdict.
            let answer = [4_u32, 3, SERVICE_STOPPED].map(u32::to_ne_bytes).concat();
            client.write_all(&answer).unwrap();
        }
    });
    assert_eq!(first_problem(), Some(Problem::PcscVersion));
}

/// The most contexts that the test opens; pcscd serves 200.
const MAX_CONTEXTS: usize = 300;

#[testkit::test]
async fn a_service_whose_places_are_taken_is_told_from_one_that_refuses_the_user() {
    let scenario = testkit::scenario::Scenario::inside().cards("[[token]]\nserial = 31415926\n");
    let mut world = scenario.prepare().await.unwrap();
    let contexts: Vec<_> =
        (0..MAX_CONTEXTS).map_while(|_| pcsc::Context::establish(pcsc::Scope::User).ok()).collect();
    assert!(contexts.len() < MAX_CONTEXTS);
    let mut signals = world.client.signals().await.unwrap();
    world.start_daemon().await.unwrap();
    let mut problems = world.client.problems().await.unwrap();
    while problems.is_empty() {
        signals.until(|event| event.place().is_empty()).await.unwrap();
        problems = world.client.problems().await.unwrap();
    }
    assert_eq!(problems, ["pcscd-full"]);
    drop(contexts);
    while !world.client.problems().await.unwrap().is_empty() {
        signals.until(|event| event.place().is_empty()).await.unwrap();
    }
}
