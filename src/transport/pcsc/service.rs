//! The smart card service, as the monitor asks it.

use std::ffi::CString;
use std::time::Duration;

use pcsc::{Context, Error, PNP_NOTIFICATION, ReaderState, Scope, State};

use super::connect_lock;
use super::insertions::ReaderStatus;

/// As many entries as `SCardGetStatusChange` takes, and as many readers as pcscd manages.
const MAX_READERS: usize = 16;

/// What ended a wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    /// A reader came or went.
    pub(super) list: bool,
    /// The readers of the last look, as they are now.
    pub(super) readers: Vec<ReaderStatus>,
}

/// What the monitor asks the service. Errors are those of PC/SC.
pub(super) trait Service {
    /// The names of all readers.
    fn list(&mut self) -> Result<Vec<CString>, Error>;

    /// The status of these readers now, whatever was known of them before.
    fn look(&mut self, names: Vec<CString>) -> Result<Vec<ReaderStatus>, Error>;

    /// Blocks until a reader of the last look changes or the list of readers does, as far as the service notices;
    /// [`Error::Timeout`] when that takes longer than `limit`.
    fn wait(&mut self, limit: Duration) -> Result<Change, Error>;
}

/// A connection to the service that is running.
pub(super) struct Connection {
    context: Context,
    /// The readers of the last look. Where there is room, another entry at their end stands for the list of readers.
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

    /// As [`Connection::close`], when the process is about to end: a card that blocks another thread is not waited for,
    /// and the kernel closes the connection.
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
        };
        readers.map(status).collect()
    }
}

impl Service for Connection {
    fn list(&mut self) -> Result<Vec<CString>, Error> {
        match self.context.list_readers_owned() {
            // A reader came between the question for the length of the list and that for the list.
            Err(Error::InsufficientBuffer) => self.context.list_readers_owned(),
            names => names,
        }
    }

    fn look(&mut self, mut names: Vec<CString>) -> Result<Vec<ReaderStatus>, Error> {
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
