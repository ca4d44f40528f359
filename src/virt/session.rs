//! A connection to a token, from its insertion to its removal.

use std::sync::{Arc, MutexGuard};
use std::time::Duration;

use super::applet::{Outcome, Pending, Touch};
use super::spec::TouchPolicy;
use super::state::{Fault, Shared, State};
use super::t0;
use crate::device::Error;
use crate::iso7816::{Response, status};
use crate::sync::IgnorePoison;

/// A connection to a [`VirtualToken`](super::VirtualToken); it ends when the token is pulled out.
#[derive(Debug)]
pub struct Session {
    shared: Arc<Shared>,
    insertion: u32,
}

/// Exclusive use of the token, until dropped.
#[derive(Debug)]
pub(super) struct Exclusive<'a> {
    session: &'a Session,
}

impl Session {
    pub(super) fn new(shared: Arc<Shared>, insertion: u32) -> Self {
        Self { shared, insertion }
    }

    /// The answer to reset (ATR).
    ///
    /// # Errors
    ///
    /// [`Error::Removed`] if the token was pulled out.
    pub fn atr(&self) -> Result<&'static [u8], Error> {
        let state = self.lock()?;
        let own = if state.t0.is_some() { t0::ATR } else { state.applet.atr() };
        Ok(state.atr.unwrap_or(own))
    }

    /// Switches it off: no application is selected or unlocked any more.
    ///
    /// # Errors
    ///
    /// [`Error::Removed`] if the token was pulled out.
    pub fn power_off(&self) -> Result<(), Error> {
        self.lock()?.applet.reset();
        Ok(())
    }

    /// Resets it without switching it off, and counts that. The effect is that of [`Session::power_off`].
    ///
    /// # Errors
    ///
    /// [`Error::Removed`] if the token was pulled out.
    pub fn reset(&self) -> Result<(), Error> {
        let mut state = self.lock()?;
        state.resets += 1;
        state.applet.reset();
        Ok(())
    }

    /// Sends one command and waits for its response: data and status word, unless a [`Fault`] replaces it. Calls
    /// `touch_needed` when the token starts to wait for a touch.
    ///
    /// # Errors
    ///
    /// [`Error::Removed`] when the token was pulled out, before or meanwhile.
    pub fn exchange(&self, command: &[u8], touch_needed: &dyn Fn()) -> Result<Vec<u8>, Error> {
        let mut state = self.lock()?;
        state.log.push(command);
        let state = self.wait_for_leave(state)?;
        let delay = state.delay;
        let mut state = self.pause(state, delay, |_| false)?;
        match state.faults.pop_front() {
            None | Some(Fault::Pass) => {}
            Some(Fault::Answer(bytes)) => return Ok(bytes),
            Some(Fault::Hang) => return self.hang(state),
            Some(Fault::Vanish) => {
                drop(state);
                self.shared.change(State::unplug);
                return Err(Error::Removed);
            }
        }
        if state.wants_password && matches!(command, [_, 0xa1 | 0xa2, ..] | [_, 0xa4, 0x00, ..]) {
            return Ok(status::SECURITY_STATUS_NOT_SATISFIED.0.to_be_bytes().to_vec());
        }
        if state.has_broken_list && matches!(command, [_, 0xa1, ..] | [_, 0xa4, 0x00, ..]) {
            return Ok(vec![0x6f, 0x00]);
        }
        if let Some(response) = state.t0.as_mut().and_then(|t0| t0.kept(command)) {
            return Ok(bytes(&response));
        }
        let (mut state, response) = match state.applet.respond(command) {
            Outcome::Answer(response) => (state, response),
            Outcome::Touch(pending) => self.wait_for_touch(state, &pending, touch_needed)?,
        };
        Ok(bytes(&match &mut state.t0 {
            Some(t0) => t0.answer(command, response),
            None => response,
        }))
    }

    /// Waits for exclusive use of the token.
    pub(super) fn begin(&self) -> Result<Exclusive<'_>, Error> {
        let mut state = self.lock()?;
        state.queued += 1;
        let mut state = self
            .shared
            .changed
            .wait_while(state, |state| state.is_here(self.insertion) && state.in_transaction)
            .ignore_poison();
        state.queued -= 1;
        if !state.is_here(self.insertion) {
            return Err(Error::Removed);
        }
        state.in_transaction = true;
        Ok(Exclusive { session: self })
    }

    fn wait_for_touch<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        pending: &Pending,
        touch_needed: &dyn Fn(),
    ) -> Result<(MutexGuard<'a, State>, Response), Error> {
        state.wants_touch = true;
        // The token did not wait for an earlier touch, so that touch is lost.
        (state.touched, state.missed) = (false, false);
        let policy = state.touch_policy;
        let timeout = state.touch_timeout;
        drop(state);
        self.shared.changed.notify_all();
        touch_needed();

        let comes = match policy {
            TouchPolicy::AfterSeconds(after) if after < timeout => Some(after),
            TouchPolicy::AfterSeconds(_) | TouchPolicy::Never => None,
        };
        let mut state =
            self.pause(self.lock()?, comes.unwrap_or(timeout), |state| state.touched || state.missed)?;
        let is_given = state.touched || (comes.is_some() && !state.missed);
        let touch = if is_given { Touch::Given } else { Touch::Missed };
        state.wants_touch = false;
        state.touched = false;
        let response = state.applet.complete(pending, touch);
        Ok((state, response))
    }

    /// Waits until the token may answer one more command.
    fn wait_for_leave<'a>(&'a self, state: MutexGuard<'a, State>) -> Result<MutexGuard<'a, State>, Error> {
        let waits = |state: &mut State| state.is_here(self.insertion) && state.answers == Some(0);
        let mut state = self.shared.changed.wait_while(state, waits).ignore_poison();
        state.answers = state.answers.map(|answers| answers.saturating_sub(1));
        if state.is_here(self.insertion) { Ok(state) } else { Err(Error::Removed) }
    }

    /// Waits for `time`, or less if `ends` becomes true earlier.
    fn pause<'a>(
        &'a self,
        state: MutexGuard<'a, State>,
        time: Duration,
        ends: impl Fn(&State) -> bool,
    ) -> Result<MutexGuard<'a, State>, Error> {
        let (state, _) = self
            .shared
            .changed
            .wait_timeout_while(state, time, |state| state.is_here(self.insertion) && !ends(state))
            .ignore_poison();
        if state.is_here(self.insertion) { Ok(state) } else { Err(Error::Removed) }
    }

    fn hang(&self, state: MutexGuard<'_, State>) -> Result<Vec<u8>, Error> {
        let state = self.shared.changed.wait_while(state, |state| state.is_here(self.insertion));
        drop(state);
        Err(Error::Removed)
    }

    fn lock(&self) -> Result<MutexGuard<'_, State>, Error> {
        let state = self.shared.lock();
        if state.is_here(self.insertion) { Ok(state) } else { Err(Error::Removed) }
    }
}

impl Exclusive<'_> {
    pub(super) fn exchange(&self, command: &[u8], touch_needed: &dyn Fn()) -> Result<Vec<u8>, Error> {
        self.session.exchange(command, touch_needed)
    }
}

impl Drop for Exclusive<'_> {
    fn drop(&mut self) {
        let session = self.session;
        // Pulling the token out has ended the transaction; the next insertion has its own transactions.
        if let Ok(mut state) = session.lock() {
            state.in_transaction = false;
        }
        session.shared.changed.notify_all();
    }
}

fn bytes(response: &Response) -> Vec<u8> {
    [response.data.as_slice(), &response.status.0.to_be_bytes()].concat()
}
