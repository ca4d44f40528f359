//! A card in a reader: a thread that serves vpcd.

use std::io;
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use oathbridge::virt::VirtualToken;

use crate::vpicc;

/// A card in a reader, pulled out on drop.
#[derive(Debug)]
pub(super) struct Inserted {
    card: VirtualToken,
    stream: TcpStream,
    ready: Arc<Ready>,
    thread: Option<JoinHandle<()>>,
}

/// Whether pcscd has powered the card.
#[derive(Debug, Default)]
struct Ready {
    state: Mutex<bool>,
    changed: Condvar,
}

impl Inserted {
    /// Plugs the card in, and serves vpcd at the other end of `stream`.
    pub(super) fn new(card: VirtualToken, stream: TcpStream) -> io::Result<Self> {
        card.plug();
        let session = card.connect().ok_or_else(|| io::Error::other("the card was pulled out"))?;
        let ready = Arc::<Ready>::default();
        let for_thread = (stream.try_clone()?, Arc::clone(&ready));
        let thread = thread::Builder::new().name("virtual card".to_owned()).spawn(move || {
            let (stream, ready) = for_thread;
            // A broken connection counts as closed: vpcd has ended.
            let _ = vpicc::serve(&stream, &session, &|| ready.set());
            let _ = stream.shutdown(Shutdown::Both);
        })?;
        Ok(Self { card, stream, ready, thread: Some(thread) })
    }

    pub(super) fn card(&self) -> &VirtualToken {
        &self.card
    }

    /// Waits until pcscd has powered the card; `false` after `timeout`.
    pub(super) fn wait_until_ready(&self, timeout: Duration) -> bool {
        self.ready.wait(timeout)
    }
}

impl Drop for Inserted {
    fn drop(&mut self) {
        self.card.unplug();
        // The connection may already be closed.
        let _ = self.stream.shutdown(Shutdown::Both);
        if let Some(thread) = self.thread.take() {
            // The thread has already printed its panic.
            drop(thread.join());
        }
    }
}

impl Ready {
    fn set(&self) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }

    fn wait(&self, timeout: Duration) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (state, _) = self
            .changed
            .wait_timeout_while(state, timeout, |ready| !*ready)
            .unwrap_or_else(PoisonError::into_inner);
        *state
    }
}
