//! Tells a service that refuses the user from one that is stopping.

use std::time::Duration;

use crate::device::Problem;

/// The pauses before a refusal is believed, in milliseconds.
const PAUSES_MS: [u64; 2] = [100, 400];

/// The refusals in a row.
///
/// libpcsclite reports a connection that is closed without an answer as `SCARD_W_SECURITY_VIOLATION`. A service that
/// refuses the user closes it so, and a service that is stopping does, too; the latter is soon gone.
#[derive(Debug, Default)]
pub(super) struct Denials(usize);

impl Denials {
    /// Records that the service has answered, so that the next refusal is the first one again.
    pub(super) fn granted(&mut self) {
        self.0 = 0;
    }

    /// The pause before another attempt decides; `None` if this problem is to be reported.
    pub(super) fn pause(&mut self, problem: Problem) -> Option<Duration> {
        if problem != Problem::PcscDenied {
            self.0 = 0;
            return None;
        }
        let pause = PAUSES_MS.get(self.0).copied().map(Duration::from_millis);
        self.0 += usize::from(pause.is_some());
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_believed_after_two_more_and_every_other_problem_at_once() {
        let mut denials = Denials::default();
        let [first, second] = PAUSES_MS.map(|millis| Some(Duration::from_millis(millis)));
        assert_eq!(denials.pause(Problem::PcscDenied), first);
        assert_eq!(denials.pause(Problem::PcscUnavailable), None, "the service was stopping");
        for expected in [first, second, None, None] {
            assert_eq!(denials.pause(Problem::PcscDenied), expected);
        }
        denials.granted();
        assert_eq!(denials.pause(Problem::PcscDenied), first, "the service may be stopping now");
    }
}
