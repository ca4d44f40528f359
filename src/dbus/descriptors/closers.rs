//! Threads that close the descriptors of callers.
//!
//! Closing may block: a socket may linger (socket(7), `SO_LINGER`), and a user-space file system is asked at each
//! close (fuse(4), `FUSE_FLUSH`). So none is closed on the thread that serves everybody.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard};

use rustix::net::sockopt::set_socket_linger;
use rustix::process::{Resource, getrlimit};
use tokio::sync::Notify;

use crate::sync::IgnorePoison;

/// The number of threads. Each may hang for as long as a caller's file system does.
const MAX_THREADS: usize = 8;

/// The number of descriptors that are held or wait to be closed, after which no further message is read.
const MAX_HELD: usize = 16_384;

/// The share of the process's own limit of descriptors that is never exceeded, if that limit is lower.
const SHARE: u64 = 4;

/// The size of the stack of a thread, in bytes.
const STACK_BYTES: usize = 64 * 1024;

/// The threads and their queue. Clones share them.
#[derive(Clone, Debug)]
pub(in crate::dbus) struct Closers(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    queue: Mutex<Queue>,
    most: usize,
    /// Told when fewer descriptors than the limit are left.
    room: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<OwnedFd>,
    threads: usize,
    /// The descriptors that callers have passed and that are not closed yet.
    held: usize,
}

impl Closers {
    /// No threads yet: they start with the first descriptor, and end with the last one.
    pub(in crate::dbus) fn new() -> Self {
        let share = getrlimit(Resource::Nofile).current.map_or(u64::MAX, |limit| limit / SHARE);
        Self::with_limit(usize::try_from(share).unwrap_or(usize::MAX).min(MAX_HELD))
    }

    fn with_limit(most: usize) -> Self {
        Self(Arc::new(Shared { queue: Mutex::default(), most, room: Notify::new() }))
    }

    /// Counts one more descriptor, until it is closed.
    pub(super) fn count(&self) {
        self.0.queue().held += 1;
    }

    /// The descriptor was closed elsewhere.
    pub(super) fn uncount(&self) {
        self.0.closed(&mut self.0.queue());
    }

    /// Closes a counted descriptor on a thread.
    pub(super) fn close(&self, fd: OwnedFd) {
        let mut queue = self.0.queue();
        queue.waiting.push_back(fd);
        if queue.threads == MAX_THREADS {
            return;
        }
        let shared = Arc::clone(&self.0);
        let thread = std::thread::Builder::new().name("closer".to_owned()).stack_size(STACK_BYTES);
        // Without a thread the descriptor waits for the next one that is to be closed.
        if thread.spawn(move || shared.run()).is_ok() {
            queue.threads += 1;
        }
    }

    /// Waits until fewer descriptors than the limit are held.
    pub(in crate::dbus) async fn room(&self) {
        loop {
            let freed = self.0.room.notified();
            if self.0.queue().held < self.0.most {
                return;
            }
            freed.await;
        }
    }
}

impl Shared {
    /// Runs until nothing waits.
    fn run(&self) {
        loop {
            let mut queue = self.queue();
            let Some(fd) = queue.waiting.pop_front() else {
                queue.threads -= 1;
                return;
            };
            drop(queue);
            // Fails for everything but a socket, which then does not linger anyway.
            let _ = set_socket_linger(&fd, None);
            drop(fd);
            self.closed(&mut self.queue());
        }
    }

    fn closed(&self, queue: &mut Queue) {
        queue.held = queue.held.saturating_sub(1);
        if queue.held + 1 == self.most {
            self.room.notify_waiters();
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().ignore_poison()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{PipeReader, Read, Write, pipe};
    use std::net::{TcpListener, TcpStream};
    use std::time::Duration;

    use futures_util::FutureExt;

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

    #[tokio::test]
    async fn a_socket_that_lingers_is_closed_at_once() {
        let (socket, _peer) = lingering();
        let closers = Closers::with_limit(1);
        closers.count();
        closers.close(socket);
        tokio::time::timeout(Duration::from_secs(60), closers.room()).await.expect("it does not linger");
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
        for writer in writers {
            closers.count();
            closers.close(writer);
        }
        // Reading ends when the writing end is closed.
        for mut reader in readers {
            assert_eq!(reader.read(&mut [0]).unwrap(), 0);
        }
    }

    #[tokio::test]
    async fn nothing_is_read_while_too_many_descriptors_are_held() {
        let closers = Closers::with_limit(2);
        closers.room().await;
        closers.count();
        closers.room().await;
        closers.count();
        assert!(closers.room().now_or_never().is_none());
        let (_readers, mut writers) = pipes(1);
        let waiting = closers.room();
        closers.close(writers.remove(0));
        waiting.await;
        closers.count();
        let waiting = closers.room();
        closers.uncount();
        waiting.await;
    }
}
