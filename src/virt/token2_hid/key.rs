//! The key behind the FIDO interface: it takes reports and gives reports.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::fault::Token2Fault as Fault;
use super::frame::{Incoming, REPORT, busy, ctaphid_error, foreign, reports};
use crate::iso7816::Response;
use crate::virt::applet::{Applet, Outcome, Pending, Touch};
use crate::virt::otp::Conditions;
use crate::virt::report_queue::ReportQueue;

/// The interval between two reports of a busy key.
const BUSY_INTERVAL: Duration = Duration::from_millis(100);

/// The FIDO interface of a virtual Token2 key.
#[derive(Debug, Default)]
pub(in crate::virt) struct Token2Key {
    incoming: Incoming,
    work: Option<Work>,
    /// The fault of the current command.
    fault: Option<Fault>,
    /// The number of reports for other programs that are sent before anything else.
    stream: usize,
    pub(in crate::virt) faults: VecDeque<Fault>,
    pub(in crate::virt) outgoing: ReportQueue,
    /// The number of complete commands that the key received.
    pub(in crate::virt) messages: usize,
}

/// A command that the key carries out.
#[derive(Debug)]
enum Work {
    /// The response is sent at this time.
    Calculation(Instant, Response),
    /// The wait for a touch, and the times at which it ends, at which the simulated user touches the key, and of the next
    /// report that says that the key is busy.
    Touch { pending: Pending, until: Instant, touch: Option<Instant>, busy: Instant },
}

impl Token2Key {
    /// Takes a report. Returns the APDU of a complete command, for the log, and whether the key stays plugged in.
    pub(in crate::virt) fn write(
        &mut self,
        report: &[u8; REPORT],
        applet: &mut Applet,
        conditions: Conditions,
    ) -> (Option<Vec<u8>>, bool) {
        self.proceed(applet, conditions);
        let Some(command) = self.incoming.take(report) else { return (None, true) };
        self.messages += 1;
        self.fault = self.faults.pop_front();
        match self.fault {
            Some(Fault::Vanish) => return (None, false),
            Some(Fault::Stall) => return (None, true),
            Some(Fault::StaysBusy) => {
                self.outgoing.push(vec![busy()]);
                return (None, true);
            }
            Some(Fault::NotServed) => {
                self.outgoing.push(vec![ctaphid_error(report)]);
                return (None, true);
            }
            Some(Fault::Busy(count)) => self.outgoing.push(vec![busy(); count]),
            Some(Fault::Stream(count)) => self.stream = count,
            _ => {}
        }
        applet.set_endless_pages(self.fault == Some(Fault::EndlessPages));
        let now = conditions.now;
        self.work = Some(match applet.respond_to_token2(&command) {
            Outcome::Answer(response) => Work::Calculation(now + conditions.delay, response),
            Outcome::Touch(pending) => Work::Touch {
                pending,
                until: now + conditions.touch_timeout,
                touch: conditions.touch_after.map(|after| now + after),
                busy: now,
            },
        });
        (Some(command), true)
    }

    /// Carries out what is due.
    pub(in crate::virt) fn proceed(&mut self, applet: &mut Applet, conditions: Conditions) {
        if self.stream > 0 {
            self.stream -= self.outgoing.feed(&foreign(), self.stream);
            return;
        }
        let Some(work) = self.work.take() else { return };
        let now = conditions.now;
        let response = match work {
            Work::Calculation(at, response) if now >= at => response,
            Work::Touch { pending, .. } if conditions.is_touched => applet.complete(&pending, Touch::Given),
            Work::Touch { pending, touch: Some(touch), .. } if now >= touch => {
                applet.complete(&pending, Touch::Given)
            }
            Work::Touch { pending, until, .. } if now >= until => applet.complete(&pending, Touch::Missed),
            Work::Touch { pending, until, touch, busy: due } if now >= due => {
                self.outgoing.push(vec![busy()]);
                self.work = Some(Work::Touch { pending, until, touch, busy: now + BUSY_INTERVAL });
                return;
            }
            work => {
                self.work = Some(work);
                return;
            }
        };
        self.respond(&response);
    }

    /// The time at which something is due.
    pub(in crate::virt) fn next_event(&self) -> Option<Instant> {
        match self.work.as_ref()? {
            Work::Calculation(at, _) => Some(*at),
            Work::Touch { until, touch, busy, .. } => {
                Some(touch.map_or(*until, |touch| touch.min(*until)).min(*busy))
            }
        }
    }

    pub(in crate::virt) fn waits_for_touch(&self) -> bool {
        matches!(self.work, Some(Work::Touch { .. }))
    }

    /// Ends everything.
    pub(in crate::virt) fn reset(&mut self) {
        (self.incoming, self.work, self.fault) = (Incoming::default(), None, None);
        self.stream = 0;
    }

    fn respond(&mut self, response: &Response) {
        let mut message = [response.data.as_slice(), &response.status.0.to_be_bytes()].concat();
        let fault = self.fault.take();
        if matches!(fault, Some(Fault::Sequence | Fault::BrokenOff)) {
            message.resize(message.len().max(100), 0);
        }
        if let Some(Fault::Flood(count)) = fault {
            self.outgoing.push(vec![foreign(); count]);
        }
        let mut all = reports(&message);
        match (fault, all.as_mut_slice()) {
            (Some(Fault::Sequence), [_, second, ..]) => {
                second.splice(1..2, [2]);
            }
            (Some(Fault::BrokenOff), _) => all.truncate(1),
            (Some(Fault::ReportLength(length)), [first, ..]) => first.resize(length, 0),
            _ => {}
        }
        self.outgoing.push(all);
    }
}
