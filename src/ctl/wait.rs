//! Shows what a running request waits for.

use std::future::Future;
use std::io::{IsTerminal, Write, stderr};
use std::pin::pin;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::cells::{columns, cut};
use crate::text::escape_invisible;

/// A shorter wait is not shown.
const MIN_SHOWN_WAIT: Duration = Duration::from_millis(300);

/// The interval of the countdown.
const COUNTDOWN_INTERVAL: Duration = Duration::from_secs(1);

/// One wait and its latest end.
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

/// Does the work and shows its waits on standard error: with a countdown on a terminal, otherwise one line for each.
/// A quiet user sees nothing.
pub(super) async fn announced<T>(
    mut phases: watch::Receiver<Phase>,
    is_quiet: bool,
    work: impl Future<Output = T>,
) -> T {
    if is_quiet {
        return work.await;
    }
    let mut announcer = Announcer { counts_down: is_smart_terminal(), shown: String::new() };
    let mut work = pin!(work);
    let mut pause = pin!(tokio::time::sleep(MIN_SHOWN_WAIT));
    loop {
        tokio::select! {
            biased;
            done = &mut work => {
                announcer.clear();
                return done;
            }
            Ok(()) = phases.changed() => pause.as_mut().reset(tokio::time::Instant::now() + MIN_SHOWN_WAIT),
            () = &mut pause => {
                announcer.show(&phases.borrow());
                pause.as_mut().reset(tokio::time::Instant::now() + COUNTDOWN_INTERVAL);
            }
        }
    }
}

struct Announcer {
    counts_down: bool,
    /// The text that was shown last.
    shown: String,
}

impl Announcer {
    fn show(&mut self, phase: &Phase) {
        let line = phase.line(Instant::now());
        if self.counts_down {
            // Only the last row of a longer line could be erased.
            let line = match columns(stderr()) {
                Some(columns) => cut(&line, columns.saturating_sub(1)),
                None => line,
            };
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
    // Standard error may be closed.
    let _ = stderr().write_all(text.as_bytes());
}

fn is_smart_terminal() -> bool {
    stderr().is_terminal() && std::env::var_os("TERM").is_some_and(|term| term != "dumb")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_counts_down_to_zero_and_escapes_control_characters() {
        let now = Instant::now();
        let phase = Phase { text: "Touch\x07".to_owned(), end: now + Duration::from_secs(7) };
        let at = |milliseconds| phase.line(now + Duration::from_millis(milliseconds));
        assert_eq!(at(0), "Touch\\u{7} (waits up to 7 s)");
        assert_eq!(at(300), "Touch\\u{7} (waits up to 7 s)");
        assert_eq!(at(6_001), "Touch\\u{7} (waits up to 1 s)");
        assert_eq!(at(99_000), "Touch\\u{7} (waits up to 0 s)");
    }
}
