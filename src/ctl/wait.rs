//! Says what a person has to do, or what the program waits for, while it waits.

use std::future::Future;
use std::io::{IsTerminal, Write, stderr};
use std::pin::pin;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::text::escape_invisible;

/// What is over sooner needs no words.
const QUICK: Duration = Duration::from_millis(300);

/// Between two steps of a countdown.
const TICK: Duration = Duration::from_secs(1);

/// One thing to wait for, and until when at most.
#[derive(Clone, Debug)]
pub(super) struct Phase {
    /// A sentence without full stop.
    pub(super) text: String,
    pub(super) end: Instant,
}

impl Phase {
    fn line(&self, now: Instant) -> String {
        let left = self.end.saturating_duration_since(now).as_millis().div_ceil(1000);
        format!("{} (waits up to {left} s)", escape_invisible(&self.text))
    }
}

/// Does the work, and says on standard error what it waits for: counted down on a terminal, a line each elsewhere.
pub(super) async fn announced<T>(mut phases: watch::Receiver<Phase>, work: impl Future<Output = T>) -> T {
    let mut announcer = Announcer { counts_down: is_smart_terminal(), shown: String::new() };
    let mut work = pin!(work);
    let mut pause = pin!(tokio::time::sleep(QUICK));
    loop {
        tokio::select! {
            biased;
            done = &mut work => {
                announcer.clear();
                return done;
            }
            Ok(()) = phases.changed() => pause.as_mut().reset(tokio::time::Instant::now() + QUICK),
            () = &mut pause => {
                announcer.show(&phases.borrow());
                pause.as_mut().reset(tokio::time::Instant::now() + TICK);
            }
        }
    }
}

struct Announcer {
    counts_down: bool,
    /// The phase that was shown last.
    shown: String,
}

impl Announcer {
    fn show(&mut self, phase: &Phase) {
        let line = phase.line(Instant::now());
        if self.counts_down {
            print(&format!("\r\x1b[K{line}"));
        } else if self.shown != phase.text {
            print(&format!("{line}\n"));
        }
        self.shown.clone_from(&phase.text);
    }

    fn clear(&self) {
        if self.counts_down && !self.shown.is_empty() {
            print("\r\x1b[K");
        }
    }
}

fn print(text: &str) {
    // Nobody reads it when standard error is gone.
    let _ = stderr().write_all(text.as_bytes());
}

fn is_smart_terminal() -> bool {
    stderr().is_terminal() && std::env::var_os("TERM").is_some_and(|term| term != "dumb")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_counted_down_to_zero_and_nothing_moves_the_cursor() {
        let now = Instant::now();
        let phase = Phase { text: "Touch\x07".to_owned(), end: now + Duration::from_secs(7) };
        let at = |milliseconds| phase.line(now + Duration::from_millis(milliseconds));
        assert_eq!(at(0), "Touch\\u{7} (waits up to 7 s)");
        assert_eq!(at(300), "Touch\\u{7} (waits up to 7 s)");
        assert_eq!(at(6_001), "Touch\\u{7} (waits up to 1 s)");
        assert_eq!(at(99_000), "Touch\\u{7} (waits up to 0 s)");
    }
}
