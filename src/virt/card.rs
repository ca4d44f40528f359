//! A token in the world: a person plugs it in, touches it and pulls it out, and things go wrong.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::applet::Applet;
use super::bell::Bell;
use super::command_log::{CommandLog, Header};
use super::session::Session;
use super::spec::{TokenSpec, TouchPolicy};
use crate::device::Identity;

/// A virtual token and the person who holds it. Clones are handles to the same token.
#[derive(Clone, Debug)]
pub struct Card {
    pub(super) shared: Arc<Shared>,
}

/// What goes wrong with one command; the applet doesn't see that command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// No answer until the card is pulled out.
    Hang,
    /// These bytes for an answer, which may be no answer at all.
    Answer(Vec<u8>),
    /// The card is gone in the middle of the command.
    Vanish,
}

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) serial: u32,
    pub(super) identity: Identity,
    state: Mutex<State>,
    pub(super) changed: Condvar,
    bell: Arc<Bell>,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) applet: Applet,
    pub(super) plugged: bool,
    pub(super) insertion: u32,
    pub(super) in_transaction: bool,
    /// How many wait for the transaction's end.
    pub(super) queued: u32,
    pub(super) delay: Duration,
    pub(super) touch_policy: TouchPolicy,
    pub(super) touch_timeout: Duration,
    pub(super) wants_touch: bool,
    pub(super) touched: bool,
    pub(super) faults: VecDeque<Fault>,
    pub(super) log: CommandLog,
}

impl Card {
    /// How long a YubiKey waits for a touch.
    pub const TOUCH_TIMEOUT: Duration = Duration::from_secs(15);

    /// A token that is plugged in.
    pub fn new(spec: &TokenSpec) -> Self {
        Self::with_bell(spec, Arc::default())
    }

    pub(super) fn with_bell(spec: &TokenSpec, bell: Arc<Bell>) -> Self {
        let state = State {
            applet: Applet::new(spec),
            plugged: true,
            insertion: 1,
            in_transaction: false,
            queued: 0,
            delay: spec.delay,
            touch_policy: spec.touch,
            touch_timeout: Self::TOUCH_TIMEOUT,
            wants_touch: false,
            touched: false,
            faults: VecDeque::new(),
            log: CommandLog::default(),
        };
        let identity =
            Identity { serial: Some(spec.serial.to_string()), firmware: Some(spec.firmware.to_string()) };
        let shared =
            Shared { serial: spec.serial, identity, state: Mutex::new(state), changed: Condvar::new(), bell };
        Self { shared: Arc::new(shared) }
    }

    /// The serial number of its [`TokenSpec`].
    pub fn serial(&self) -> u32 {
        self.shared.serial
    }

    /// Plugs it in, which is a new insertion; nothing happens when it is plugged in already.
    pub fn plug(&self) {
        self.shared.change(|state| {
            if !state.plugged {
                state.plugged = true;
                state.insertion = state.insertion.wrapping_add(1);
            }
        });
    }

    /// Pulls it out: whoever waits for an answer gets [`crate::device::Error::Removed`].
    pub fn unplug(&self) {
        self.shared.change(State::unplug);
    }

    /// Touches it now. A touch that the token doesn't wait for is lost, as on a real one.
    pub fn touch(&self) {
        self.shared.change(|state| state.touched = true);
    }

    /// Waits until the token wants a touch; `false` if it doesn't within `timeout`.
    pub fn wait_until_it_wants_a_touch(&self, timeout: Duration) -> bool {
        let state = self.shared.lock();
        let (state, _) = self
            .shared
            .changed
            .wait_timeout_while(state, timeout, |state| !state.wants_touch)
            .unwrap_or_else(PoisonError::into_inner);
        state.wants_touch
    }

    /// How the person behaves from now on.
    pub fn set_touch_policy(&self, policy: TouchPolicy) {
        self.shared.change(|state| state.touch_policy = policy);
    }

    /// How long it waits for a touch, instead of [`Card::TOUCH_TIMEOUT`].
    pub fn set_touch_timeout(&self, timeout: Duration) {
        self.shared.change(|state| state.touch_timeout = timeout);
    }

    /// How long each command takes from now on.
    pub fn set_delay(&self, delay: Duration) {
        self.shared.change(|state| state.delay = delay);
    }

    /// What goes wrong with the next command; a second fault waits for the command after it.
    pub fn fail_next(&self, fault: Fault) {
        self.shared.change(|state| state.faults.push_back(fault));
    }

    /// The headers of the newest commands, oldest first, at most 4,096.
    pub fn log(&self) -> Vec<Header> {
        self.shared.lock().log.newest()
    }

    /// How many commands were sent.
    pub fn commands(&self) -> usize {
        self.shared.lock().log.total()
    }

    /// How many commands with this instruction byte were sent; SELECT and CALCULATE ALL share A4.
    pub fn count(&self, instruction: u8) -> usize {
        self.shared.lock().log.count(instruction)
    }

    /// The moving factor that the HOTP credential with this id (`[issuer:]account`) uses next.
    pub fn hotp_counter(&self, id: &str) -> Option<u64> {
        self.shared.lock().applet.hotp_counter(id)
    }

    /// How many wait until somebody else's transaction ends.
    pub fn queued(&self) -> u32 {
        self.shared.lock().queued
    }

    /// A connection to it, good for this insertion; `None` when it isn't plugged in.
    pub fn connect(&self) -> Option<Session> {
        self.insertion().map(|insertion| Session::new(self.clone(), insertion))
    }

    /// Which insertion this is; `None` when it isn't plugged in.
    pub(super) fn insertion(&self) -> Option<u32> {
        let state = self.shared.lock();
        state.plugged.then_some(state.insertion)
    }
}

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn change(&self, edit: impl FnOnce(&mut State)) {
        edit(&mut self.lock());
        self.changed.notify_all();
        self.bell.ring();
    }
}

impl State {
    pub(super) fn unplug(&mut self) {
        self.plugged = false;
        self.in_transaction = false;
        self.wants_touch = false;
        self.touched = false;
        self.applet.reset();
    }

    pub(super) fn is_here(&self, insertion: u32) -> bool {
        self.plugged && self.insertion == insertion
    }
}
