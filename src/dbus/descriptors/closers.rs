//! Threads that close the descriptors of callers.
//!
//! Closing may block: a socket may linger (socket(7), `SO_LINGER`), and a user-space file system is asked at each
//! close (fuse(4), `FUSE_FLUSH`). So none is closed on the thread that serves everybody, and one program cannot use up
//! the threads, or the descriptors that may wait.

use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard};

use rustix::net::sockopt::set_socket_linger;
use rustix::process::{Resource, getrlimit};

use super::unclosed::{MAX_THREADS, Unclosed};
use crate::sync::IgnorePoison;

/// The number of descriptors that are held or wait to be closed, after which no more are received.
const MAX_HELD: usize = 16_384;

/// The share of the process's own limit of descriptors that is never exceeded, if that limit is lower.
const SHARE: u64 = 4;

/// The size of the stack of a thread, in bytes.
const STACK_BYTES: usize = 64 * 1024;

/// The threads and their queues. Clones share them.
#[derive(Clone, Debug)]
pub(in crate::dbus) struct Closers(Arc<Mutex<Unclosed>>);

impl Closers {
    /// No threads yet: they start with the first descriptor, and end with the last one.
    pub(in crate::dbus) fn new() -> Self {
        let share = getrlimit(Resource::Nofile).current.map_or(u64::MAX, |limit| limit / SHARE);
        Self::with_limit(usize::try_from(share).unwrap_or(usize::MAX).min(MAX_HELD))
    }

    /// The same with another limit for all programs together.
    pub(in crate::dbus) fn with_limit(most: usize) -> Self {
        Self(Arc::new(Mutex::new(Unclosed::new(most))))
    }

    /// Counts one more descriptor of a program, until it is closed. Until the program is known, the name is that of the
    /// connection.
    pub(in crate::dbus) fn count(&self, program: &Arc<str>) {
        self.unclosed().count(program);
    }

    /// A descriptor of this program was closed elsewhere.
    pub(super) fn uncount(&self, program: &Arc<str>) {
        self.unclosed().uncount(program);
    }

    /// What this connection holds counts for its program from now on.
    pub(in crate::dbus) fn know(&self, connection: &str, program: &Arc<str>) {
        let mut unclosed = self.unclosed();
        unclosed.know(connection, program);
        self.start(&mut unclosed);
    }

    /// Whether a program holds so many descriptors that no more of it are received.
    pub(in crate::dbus) fn is_crowded(&self) -> bool {
        self.unclosed().is_crowded()
    }

    /// Whether descriptors of this program are received.
    pub(in crate::dbus) fn has_room(&self, program: &str) -> bool {
        self.unclosed().has_room(program)
    }

    /// Closes a counted descriptor of a program on a thread.
    pub(super) fn close(&self, fd: OwnedFd, program: &Arc<str>) {
        let mut unclosed = self.unclosed();
        unclosed.queue(fd, program);
        self.start(&mut unclosed);
    }

    /// Starts a thread if there is work for it.
    fn start(&self, unclosed: &mut Unclosed) {
        if unclosed.threads == MAX_THREADS || !unclosed.has_work() {
            return;
        }
        let closers = self.clone();
        let thread = std::thread::Builder::new().name("closer".to_owned()).stack_size(STACK_BYTES);
        // Without a thread the descriptor waits for the next one that is to be closed.
        if thread.spawn(move || closers.run()).is_ok() {
            unclosed.threads += 1;
        }
    }

    /// Runs until there is nothing for this thread.
    fn run(&self) {
        loop {
            let next = self.unclosed().next();
            let Some((program, fd)) = next else { return };
            // Fails for everything but a socket, which then does not linger anyway.
            let _ = set_socket_linger(&fd, None);
            drop(fd);
            self.unclosed().closed(&program);
        }
    }

    fn unclosed(&self) -> MutexGuard<'_, Unclosed> {
        self.0.lock().ignore_poison()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{PipeReader, Read, Write, pipe};
    use std::net::{TcpListener, TcpStream};
    use std::time::Duration;

    use super::*;

    /// A socket whose peer reads nothing, so that closing it takes as long as it lingers.
    fn lingering() -> (OwnedFd, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let socket = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (peer, _) = listener.accept().unwrap();
        socket.set_nonblocking(true).unwrap();
        while (&socket).write(&[0; 65_536]).is_ok() {}
        set_socket_linger(&socket, Some(Duration::from_secs(600))).unwrap();
        (socket.into(), peer)
    }

    fn program(name: &str) -> Arc<str> {
        name.into()
    }

    fn close(closers: &Closers, fd: OwnedFd, name: &str) {
        closers.count(&program(name));
        closers.close(fd, &program(name));
    }

    #[test]
    fn a_socket_that_lingers_is_closed_at_once() {
        let (socket, _peer) = lingering();
        let closers = Closers::with_limit(1);
        close(&closers, socket, "a");
        let begun = std::time::Instant::now();
        while closers.is_crowded() {
            assert!(begun.elapsed() < Duration::from_secs(60), "it lingers");
            std::thread::yield_now();
        }
    }

    fn pipes(count: usize) -> (Vec<PipeReader>, Vec<OwnedFd>) {
        (0..count).map(|_| pipe().unwrap()).map(|(reader, writer)| (reader, OwnedFd::from(writer))).unzip()
    }

    #[test]
    fn held_descriptors_and_one_more_message_stay_below_half_of_the_units_limit() {
        let unit = include_str!("../../../systemd/oathbridge.service");
        let limit = unit.lines().find_map(|line| line.strip_prefix("LimitNOFILE=")).unwrap();
        // SCM_MAX_FD, unix(7).
        assert!(MAX_HELD + 253 < limit.parse::<usize>().unwrap() / 2);
    }

    #[test]
    fn every_descriptor_is_closed() {
        let closers = Closers::new();
        let (readers, writers) = pipes(100);
        for (number, writer) in writers.into_iter().enumerate() {
            close(&closers, writer, ["a", "b", "c"][number % 3]);
        }
        // Reading ends when the writing end is closed.
        for mut reader in readers {
            assert_eq!(reader.read(&mut [0]).unwrap(), 0);
        }
    }
}
