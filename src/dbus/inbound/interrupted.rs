//! Work on a thread of tokio's pool that gets signals until it is done, so that no socket that lingers keeps it waiting.
//!
//! The kernel closes a dropped socket before the thread returns to the program. A TCP socket with `SO_LINGER` then waits
//! for its peer, until its time is over or a signal is pending (`sk_stream_wait_close` in `net/core/stream.c`). The same
//! holds for the sockets in the queue of a dropped Unix socket.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nix::sys::pthread::{Pthread, pthread_kill, pthread_self};
use nix::sys::signal::Signal;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::spawn_blocking;

use crate::sync::IgnorePoison;

/// The time until the first signal. The time between two doubles each time, because a file that hangs needs none.
const FIRST_PAUSE: Duration = Duration::from_millis(1);

/// The longest time between two signals.
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// The signal. Other programs of the user can also send it; without a listener its handler has no effect.
const INTERRUPTION: Signal = Signal::SIGURG;

/// The thread of the work, while it runs. Its name is valid as long as the mutex is locked.
#[derive(Clone, Debug, Default)]
struct Worker(Arc<Mutex<Option<Pthread>>>);

impl Worker {
    fn run<T>(&self, work: impl FnOnce() -> T) -> T {
        *self.0.lock().ignore_poison() = Some(pthread_self());
        let result = work();
        *self.0.lock().ignore_poison() = None;
        result
    }

    fn interrupt(&self) {
        if let Some(thread) = *self.0.lock().ignore_poison() {
            // Fails for no thread that runs.
            let _ = pthread_kill(thread, INTERRUPTION);
        }
    }
}

/// Runs the work, and waits for its result.
///
/// # Errors
///
/// The signal cannot be caught, or the daemon is ending.
pub(super) async fn run<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    // A signal that is not caught would never be pending.
    let _caught = signal(SignalKind::from_raw(INTERRUPTION as i32))?;
    let (worker, mut pause) = (Worker::default(), FIRST_PAUSE);
    let running = worker.clone();
    let mut result = spawn_blocking(move || running.run(work));
    loop {
        tokio::select! {
            result = &mut result => return result.map_err(io::Error::other),
            () = tokio::time::sleep(pause) => worker.interrupt(),
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;
    use std::time::Instant;

    use rustix::event::{Timespec, poll};
    use rustix::io::Errno;

    use super::super::wire::{LINGER, lingering, send_bytes_with_descriptor};
    use super::*;

    /// A Unix socket whose queue has the last descriptor of this socket.
    fn queued(socket: &TcpStream) -> UnixStream {
        let (end, other) = UnixStream::pair().unwrap();
        send_bytes_with_descriptor(&other, b"x", socket.as_fd());
        end
    }

    #[tokio::test]
    async fn a_socket_that_lingers_keeps_no_thread_waiting() {
        let ((plain, _peer), (inner, _other)) = (lingering(), lingering());
        let queued = queued(&inner);
        drop(inner);
        let begun = Instant::now();
        run(move || drop((plain, queued))).await.unwrap();
        assert!(begun.elapsed() < LINGER / 2, "it lingers");
    }

    /// A minute without a signal is the end of this test only.
    fn wait_for_a_signal() {
        let minute = Timespec { tv_sec: 60, tv_nsec: 0 };
        assert_eq!(poll(&mut [], Some(&minute)), Err(Errno::INTR), "there is no signal");
    }

    /// A sleep never ends early, so this is true on any machine.
    #[tokio::test]
    async fn the_time_between_two_signals_grows() {
        let begun = Instant::now();
        run(|| (0..12).for_each(|_| wait_for_a_signal())).await.unwrap();
        // 1 ms, doubled six times, and five times the longest one.
        assert!(begun.elapsed() >= Duration::from_millis(127 + 5 * 100), "{:?}", begun.elapsed());
    }

    #[tokio::test]
    async fn the_result_is_that_of_the_work() {
        assert_eq!(run(|| 7).await.unwrap(), 7);
    }
}
