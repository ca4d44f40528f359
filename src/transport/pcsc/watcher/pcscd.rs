//! A simulation of the readers in pcscd 1.9.9 and its client library, in virtual time. A script changes the readers.
//!
//! [`Pcscd::status_change`] follows `SCardGetStatusChange` in winscard_clnt.c, line by line where it decides what counts
//! as a change. The actions of a script follow eventhandler.c and observations with libccid: a USB token that is inserted
//! again within 0.2 s results in a present card and an event count of 0 to 6.

use std::collections::VecDeque;
use std::ffi::CString;
use std::time::Duration;

use pcsc::{Error, State};

use crate::transport::pcsc::insertions::ReaderStatus;
use crate::transport::pcsc::service::{Change, Service};

/// The state of a reader's slot in pcscd.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    /// The reader was added, and its slot has not been read.
    Unset,
    Absent,
    Present,
    Mute,
    /// The communication with the reader fails.
    Bad,
}

#[derive(Clone, Debug)]
struct Reader {
    name: CString,
    slot: Slot,
    events: u32,
    in_use: bool,
}

/// A change of a reader.
#[derive(Clone, Copy, Debug)]
pub(super) enum Action {
    /// The reader is listed. Clients are not woken.
    Add,
    Remove,
    /// The slot is read for the first time, which does not count as an event.
    Determine(Slot),
    /// The slot changes, which counts as an event.
    Change(Slot),
    Use(bool),
}

/// An action after a pause. An action without a pause happens between two calls of the client.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub(super) pause_ms: u64,
    pub(super) reader: u8,
    pub(super) action: Action,
}

/// A `SCARD_READERSTATE`.
#[derive(Clone, Debug)]
struct Entry {
    name: CString,
    current: (State, u32),
    event: (State, u32),
}

impl Entry {
    fn unaware(name: CString) -> Self {
        Self { name, current: (State::UNAWARE, 0), event: (State::UNAWARE, 0) }
    }

    fn sync(&mut self) {
        self.current = self.event;
    }

    fn status(&self) -> ReaderStatus {
        ReaderStatus { name: self.name.clone(), state: self.event.0, events: self.event.1, atr: Vec::new() }
    }
}

#[derive(Debug, Default)]
pub(super) struct Pcscd {
    readers: Vec<Reader>,
    pub(super) now_ms: u64,
    script: VecDeque<Step>,
    entries: Vec<Entry>,
}

impl Pcscd {
    pub(super) fn new(script: Vec<Step>) -> Self {
        Self { script: script.into(), ..Self::default() }
    }

    pub(super) fn is_quiet(&self) -> bool {
        self.script.is_empty()
    }

    /// The names of the readers with a card that responds.
    pub(super) fn truth(&self) -> Vec<CString> {
        let present = self.readers.iter().filter(|reader| reader.slot == Slot::Present);
        let mut names: Vec<_> = present.map(|reader| reader.name.clone()).collect();
        names.sort();
        names
    }

    /// Performs the next steps without a pause, which happen between two calls.
    fn pass(&mut self) {
        while self.script.front().is_some_and(|step| step.pause_ms == 0) {
            self.next_step();
        }
    }

    fn next_step(&mut self) {
        let Some(step) = self.script.pop_front() else { return };
        self.now_ms += step.pause_ms;
        let name = CString::new(format!("Yubico YubiKey OTP+FIDO+CCID 0{} 00", step.reader)).unwrap();
        let place = self.readers.iter().position(|reader| reader.name == name);
        match (step.action, place) {
            (Action::Add, None) => {
                self.readers.push(Reader { name, slot: Slot::Unset, events: 0, in_use: false });
            }
            (Action::Remove, Some(place)) => drop(self.readers.remove(place)),
            (Action::Determine(slot), Some(place)) => self.readers[place].slot = slot,
            (Action::Change(slot), Some(place)) => {
                self.readers[place].slot = slot;
                self.readers[place].events += 1;
            }
            (Action::Use(in_use), Some(place)) => self.readers[place].in_use = in_use,
            (Action::Add, Some(_)) | (_, None) => {}
        }
    }

    /// `SCardGetStatusChange`. Returns whether the entry that stands for the list of readers, which is not among `entries`,
    /// has changed.
    fn status_change(&mut self, limit_ms: u64, entries: &mut [Entry]) -> Result<bool, Error> {
        self.pass();
        if entries.iter().any(|entry| self.find(&entry.name).is_none()) {
            return Err(Error::UnknownReader);
        }
        let (count, deadline) = (self.readers.len(), self.now_ms + limit_ms);
        loop {
            let list_changed = self.readers.len() != count;
            let mut breaks = list_changed;
            for entry in entries.iter_mut() {
                breaks |= self.evaluate(entry);
            }
            if breaks {
                return Ok(list_changed);
            }
            // A reader that is only listed does not wake a client.
            let mut is_woken = false;
            while !is_woken {
                match self.script.front() {
                    Some(step) if self.now_ms + step.pause_ms <= deadline => {
                        is_woken = !matches!(step.action, Action::Add);
                        self.next_step();
                    }
                    _ => {
                        if let Some(step) = self.script.front_mut() {
                            step.pause_ms -= deadline - self.now_ms;
                        }
                        self.now_ms = deadline;
                        return Err(Error::Timeout);
                    }
                }
            }
        }
    }

    /// Updates an entry. Returns whether the client library treats it as changed.
    fn evaluate(&self, entry: &mut Entry) -> bool {
        let (current, known_events) = entry.current;
        let Some(reader) = self.find(&entry.name) else {
            entry.event = (State::UNKNOWN | State::UNAVAILABLE | State::CHANGED, 0);
            return !current.contains(State::UNKNOWN);
        };
        let mut changed = current.contains(State::UNKNOWN);
        changed |= known_events != 0 && known_events != reader.events;
        let mut event = State::UNAWARE;
        let mut events = reader.events;
        match reader.slot {
            Slot::Unset => {}
            Slot::Bad => {
                (event, events) = (State::UNAVAILABLE, 0);
                changed |= !current.contains(State::UNAVAILABLE);
            }
            Slot::Absent => {
                event = State::EMPTY;
                changed |= current.contains(State::PRESENT);
            }
            Slot::Present | Slot::Mute => {
                let is_mute = reader.slot == Slot::Mute;
                event = if is_mute { State::PRESENT | State::MUTE } else { State::PRESENT };
                changed |= current.contains(State::EMPTY) || current.contains(State::MUTE) != is_mute;
            }
        }
        changed |= reader.slot != Slot::Bad && current.contains(State::UNAVAILABLE);
        if reader.in_use && event.contains(State::PRESENT) {
            event |= State::INUSE;
        }
        changed |= current.contains(State::INUSE) && !reader.in_use;
        changed |= current.is_empty() && known_events == 0;
        if changed {
            event |= State::CHANGED;
        }
        entry.event = (event, events);
        changed
    }

    fn find(&self, name: &CString) -> Option<&Reader> {
        self.readers.iter().find(|reader| reader.name == *name)
    }
}

impl Service for Pcscd {
    fn list(&mut self) -> Result<Vec<CString>, Error> {
        self.pass();
        Ok(self.readers.iter().map(|reader| reader.name.clone()).collect())
    }

    fn scan(&mut self, names: Vec<CString>) -> Result<Vec<ReaderStatus>, Error> {
        let mut entries: Vec<_> = names.into_iter().map(Entry::unaware).collect();
        if !entries.is_empty() {
            self.status_change(0, &mut entries)?;
            entries.iter_mut().for_each(Entry::sync);
        }
        self.entries = entries;
        Ok(self.entries.iter().map(Entry::status).collect())
    }

    fn wait(&mut self, limit: Duration) -> Result<Change, Error> {
        let mut entries = std::mem::take(&mut self.entries);
        let limit_ms = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
        let changed = self.status_change(limit_ms, &mut entries);
        if changed.is_ok() {
            entries.iter_mut().for_each(Entry::sync);
        }
        let readers = entries.iter().map(Entry::status).collect();
        self.entries = entries;
        Ok(Change { list: changed?, readers })
    }
}
