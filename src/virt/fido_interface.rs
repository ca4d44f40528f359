//! The open FIDO interface of a virtual token.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::fido_side::REPORT;
use super::state::{Shared, State};
use crate::device::{Error, HidKind, Reports};
use crate::sync::IgnorePoison;

/// The FIDO interface of a [`VirtualToken`](super::VirtualToken), opened by one program; it ends when the token is
/// pulled out. Each program gets every report that the token sends while it has the interface open.
#[derive(Debug)]
pub struct FidoInterface {
    shared: Arc<Shared>,
    insertion: u32,
    /// The program's queue of reports.
    program: u64,
}

impl FidoInterface {
    pub(super) fn new(shared: Arc<Shared>, insertion: u32) -> Self {
        let program = shared.lock().fido.as_mut().map_or(0, |fido| fido.outgoing().open());
        Self { shared, insertion, program }
    }

    fn check(&self, state: &State) -> Result<(), Error> {
        if state.is_here(self.insertion) { Ok(()) } else { Err(Error::Removed) }
    }
}

impl Drop for FidoInterface {
    fn drop(&mut self) {
        if let Some(fido) = &mut self.shared.lock().fido {
            fido.outgoing().close(self.program);
        }
    }
}

impl Reports for FidoInterface {
    fn kind(&self) -> HidKind {
        HidKind::Fido
    }

    fn send(&mut self, report: &[u8]) -> Result<(), Error> {
        self.shared.wait_for_report();
        let report: &[u8; REPORT] =
            report.try_into().map_err(|_| Error::Failed("a report must have 64 bytes".to_owned()))?;
        let mut state = self.shared.lock();
        self.check(&state)?;
        let is_here = state.with_fido(|fido, applet, log, conditions| {
            let (command, is_here) = fido.write(report, applet, conditions);
            command.iter().for_each(|command| log.push(command));
            is_here
        });
        drop(state);
        if is_here == Some(false) {
            self.shared.change(State::unplug);
            return Err(Error::Removed);
        }
        self.shared.changed.notify_all();
        Ok(())
    }

    fn receive(&mut self, report: &mut [u8], timeout: Duration) -> Result<usize, Error> {
        let deadline = Instant::now() + timeout;
        let mut state = self.shared.lock();
        loop {
            self.check(&state)?;
            let waited = state.wants_touch;
            state.with_fido(|fido, applet, _, conditions| fido.proceed(applet, conditions));
            if state.wants_touch != waited {
                self.shared.changed.notify_all();
            }
            let Some(fido) = &mut state.fido else { return Err(Error::Removed) };
            if let Some(next) = fido.outgoing().pop(self.program) {
                report.iter_mut().zip(&next).for_each(|(to, from)| *to = *from);
                let length = next.len();
                drop(state);
                self.shared.wait_for_report();
                return Ok(length);
            }
            let now = Instant::now();
            if now >= deadline {
                return Ok(0);
            }
            let wake = fido.next_event().map_or(deadline, |event| event.min(deadline));
            let wait = wake.saturating_duration_since(now);
            (state, _) = self.shared.changed.wait_timeout(state, wait).ignore_poison();
        }
    }
}
