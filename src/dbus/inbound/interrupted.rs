//! Work on a thread of its own that gets signals until it is done, so that no socket that lingers keeps it waiting.
//!
//! The kernel closes a dropped socket before the thread returns to the program. A TCP socket with `SO_LINGER` then waits
//! for its peer, until its time is over or a signal is pending (`sk_stream_wait_close` in `net/core/stream.c`). The same
//! holds for the sockets in the queue of a dropped Unix socket.

use std::io;
use std::os::unix::thread::JoinHandleExt;
use std::thread;
use std::time::Duration;

use nix::sys::pthread::pthread_kill;
use nix::sys::signal::Signal;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

/// The time between two signals.
const PAUSE: Duration = Duration::from_millis(1);

/// The signal. The kernel sends it to no process that has not asked for it (socket(7), `F_SETOWN`).
const INTERRUPTION: Signal = Signal::SIGURG;

/// The size of the stack of the thread, in bytes.
const STACK_BYTES: usize = 64 * 1024;

/// Runs the work, and waits for its result.
///
/// # Errors
///
/// The system has no room for a thread, or the signal cannot be caught.
pub(super) async fn run<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    // A signal that is not caught would never be pending.
    let _caught = signal(SignalKind::from_raw(INTERRUPTION as i32))?;
    let (done, mut result) = oneshot::channel();
    let thread = thread::Builder::new().name("receiver".to_owned()).stack_size(STACK_BYTES);
    // An error of `send` means that the daemon is ending.
    let thread = thread.spawn(move || drop(done.send(work())))?;
    loop {
        tokio::select! {
            result = &mut result => return result.map_err(io::Error::other),
            () = tokio::time::sleep(PAUSE) => {
                // The thread is not joined yet, so its name is valid. An error means that it has ended.
                let _ = pthread_kill(thread.as_pthread_t(), INTERRUPTION);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;
    use std::time::Instant;

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

    #[tokio::test]
    async fn the_result_is_that_of_the_work() {
        assert_eq!(run(|| 7).await.unwrap(), 7);
    }
}
