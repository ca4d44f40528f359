//! One slot of a virtual reader: vpcd connects here, and meets the card that is in it.
//!
//! vpcd can also listen, but then on all interfaces; here only this listens, on loopback. Who connects to an
//! empty slot is hung up on, which vpcd takes for an empty reader.

use std::io;
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use oathbridge::virt::Card;

use crate::vpicc;

/// A slot and the thread that waits for vpcd in it.
#[derive(Debug)]
pub(super) struct Slot {
    port: u16,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    card: Option<Card>,
    connection: Option<TcpStream>,
    ready: bool,
    closed: bool,
}

impl Slot {
    /// Two slots on neighbouring ports of the loopback interface: vpcd's drivers come in pairs.
    pub(super) fn pair() -> io::Result<[Self; 2]> {
        // The second port may be somebody else's: another pair is as good.
        for _ in 0..200 {
            let first = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            let Some(port) = first.local_addr()?.port().checked_add(1) else { continue };
            if let Ok(second) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
                return Ok([Self::listen(first)?, Self::listen(second)?]);
            }
        }
        Err(io::Error::new(io::ErrorKind::AddrInUse, "found no two neighbouring free ports"))
    }

    fn listen(listener: TcpListener) -> io::Result<Self> {
        let port = listener.local_addr()?.port();
        let shared = Arc::<Shared>::default();
        let for_thread = Arc::clone(&shared);
        let thread = thread::Builder::new().name(format!("slot {port}")).spawn(move || {
            for_thread.run(&listener);
        })?;
        Ok(Self { port, shared, thread: Some(thread) })
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn insert(&self, card: Card) {
        card.plug();
        let mut state = self.shared.lock();
        state.card = Some(card);
        state.ready = false;
    }

    pub(super) fn remove(&self) -> Option<Card> {
        let card = self.shared.lock().card.take();
        if let Some(card) = &card {
            card.unplug();
        }
        self.shared.hang_up();
        card
    }

    pub(super) fn is_full(&self) -> bool {
        self.shared.lock().card.is_some()
    }

    /// From now on [`Slot::wait_until_ready`] means a later power-on.
    pub(super) fn expect_power_on(&self) {
        self.shared.lock().ready = false;
    }

    /// Waits until pcscd has powered the card; `false` if it doesn't within `timeout`.
    pub(super) fn wait_until_ready(&self, timeout: Duration) -> bool {
        let state = self.shared.lock();
        let (state, _) = self
            .shared
            .changed
            .wait_timeout_while(state, timeout, |state| !state.ready)
            .unwrap_or_else(PoisonError::into_inner);
        state.ready
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.remove();
        // Wakes the thread, which may wait for a connection; it looks at `closed` then.
        drop(TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)));
        if let Some(thread) = self.thread.take() {
            // A panic of that thread was printed already.
            drop(thread.join());
        }
    }
}

impl Shared {
    fn run(&self, listener: &TcpListener) {
        for stream in listener.incoming() {
            if self.lock().closed {
                return;
            }
            // A broken connection is as good as one that ended: vpcd connects again.
            let _ = stream.and_then(|stream| self.serve(&stream));
        }
    }

    fn serve(&self, stream: &TcpStream) -> io::Result<()> {
        let mut state = self.lock();
        let Some(session) = state.card.as_ref().and_then(Card::connect) else { return Ok(()) };
        state.connection = Some(stream.try_clone()?);
        drop(state);
        let result = vpicc::serve(stream, &session, &|| {
            self.lock().ready = true;
            self.changed.notify_all();
        });
        self.hang_up();
        result
    }

    fn hang_up(&self) {
        if let Some(connection) = self.lock().connection.take() {
            // It may be gone already.
            let _ = connection.shutdown(Shutdown::Both);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
