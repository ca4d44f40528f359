//! The calls of the monitor to the smart card service.

use std::ffi::CString;
use std::time::Duration;

use pcsc::{Context, Error, PNP_NOTIFICATION, ReaderState, Scope, State};

use super::connect_lock;
use super::insertions::ReaderStatus;

/// The maximum number of entries of `SCardGetStatusChange`, which is also the maximum number of readers of pcscd.
const MAX_READERS: usize = 16;

/// The result of a wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    /// Whether a reader was added or removed.
    pub(super) list: bool,
    /// The current status of the readers of the last scan.
    pub(super) readers: Vec<ReaderStatus>,
}

/// The calls of the monitor, so that tests can simulate the service. The errors are those of PC/SC.
pub(super) trait Service {
    /// The names of all readers.
    fn list(&mut self) -> Result<Vec<CString>, Error>;

    /// The current status of these readers. Later waits compare with it.
    fn scan(&mut self, names: Vec<CString>) -> Result<Vec<ReaderStatus>, Error>;

    /// Blocks until the service reports a change of a reader of the last scan or of the list of readers.
    ///
    /// # Errors
    ///
    /// [`Error::Timeout`] after `limit`.
    fn wait(&mut self, limit: Duration) -> Result<Change, Error>;
}

/// A connection to the running service.
pub(super) struct Connection {
    context: Context,
    /// The readers of the last scan. A last entry stands for the list of readers, unless there are 16 readers.
    states: Vec<ReaderState>,
}

impl Connection {
    pub(super) fn open() -> Result<Self, Error> {
        let _lock = connect_lock::hold();
        Ok(Self { context: Context::establish(Scope::User)?, states: Vec::new() })
    }

    pub(super) fn close(self) {
        let _lock = connect_lock::hold();
        drop(self);
    }

    /// Like [`Connection::close`], at the end of the process. Does not wait for a thread that holds the connect lock, because
    /// the kernel closes the connection.
    pub(super) fn abandon(self) {
        match connect_lock::try_hold() {
            Some(_lock) => drop(self),
            None => std::mem::forget(self),
        }
    }

    /// Another handle to the same context, to cancel a wait.
    pub(super) fn context(&self) -> Context {
        self.context.clone()
    }

    fn status(&self) -> Vec<ReaderStatus> {
        let readers = self.states.iter().filter(|state| state.name() != PNP_NOTIFICATION());
        let status = |state: &ReaderState| ReaderStatus {
            name: state.name().to_owned(),
            state: state.event_state(),
            events: state.event_count(),
            atr: state.atr().to_vec(),
        };
        readers.map(status).collect()
    }
}

impl Service for Connection {
    fn list(&mut self) -> Result<Vec<CString>, Error> {
        match self.context.list_readers_owned() {
            // A reader was added between the call for the length of the list and the call for the list.
            Err(Error::InsufficientBuffer) => self.context.list_readers_owned(),
            names => names,
        }
    }

    fn scan(&mut self, mut names: Vec<CString>) -> Result<Vec<ReaderStatus>, Error> {
        names.truncate(MAX_READERS);
        self.states = names.into_iter().map(|name| ReaderState::new(name, State::UNAWARE)).collect();
        if !self.states.is_empty() {
            self.context.get_status_change(Duration::ZERO, &mut self.states)?;
            self.states.iter_mut().for_each(ReaderState::sync_current_state);
        }
        let status = self.status();
        if self.states.len() < MAX_READERS {
            self.states.push(ReaderState::new(PNP_NOTIFICATION(), State::UNAWARE));
        }
        Ok(status)
    }

    fn wait(&mut self, limit: Duration) -> Result<Change, Error> {
        self.context.get_status_change(limit, &mut self.states)?;
        let is_list = |state: &&ReaderState| state.name() == PNP_NOTIFICATION();
        let list = self.states.iter().find(is_list);
        let list = list.is_some_and(|state| state.event_state().contains(State::CHANGED));
        self.states.iter_mut().for_each(ReaderState::sync_current_state);
        Ok(Change { list, readers: self.status() })
    }
}
