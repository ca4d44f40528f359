//! Says what a person has to do, or what the program waits for, while it waits.

use std::future::Future;
use std::io::{IsTerminal, Write, stderr};
use std::pin::pin;
use std::time::{Duration, Instant};

use super::screen::escape;

/// What is over sooner needs no words.
const QUICK: Duration = Duration::from_millis(300);

/// One thing to wait for, and how long it may take at most.
#[derive(Clone, Debug)]
pub(super) struct Phase {
    /// A sentence without full stop.
    pub(super) text: String,
    pub(super) limit: Duration,
}

impl Phase {
    pub(super) fn new(text: impl Into<String>, limit: Duration) -> Self {
        Self { text: text.into(), limit }
    }
}

/// Does the work, and says on standard error what it waits for: counted down on a terminal, a line each elsewhere.
/// A phase is taken to be over when its time is.
pub(super) async fn announced<T>(phases: Vec<Phase>, work: impl Future<Output = T>) -> T {
    let mut announcer = Announcer::new(phases, is_smart_terminal());
    let mut work = pin!(work);
    let mut pause = QUICK;
    loop {
        tokio::select! {
            done = &mut work => {
                announcer.clear();
                return done;
            }
            () = tokio::time::sleep(pause) => announcer.tick(),
        }
        pause = Duration::from_secs(1);
    }
}

struct Announcer {
    phases: Vec<Phase>,
    started: Instant,
    counts_down: bool,
    /// How many phases were announced.
    announced: usize,
}

impl Announcer {
    fn new(phases: Vec<Phase>, counts_down: bool) -> Self {
        Self { phases, started: Instant::now(), counts_down, announced: 0 }
    }

    fn tick(&mut self) {
        let Some((number, text)) = line(&self.phases, self.started.elapsed()) else { return };
        let is_new = number >= self.announced;
        self.announced = self.announced.max(number + 1);
        if self.counts_down {
            print(&format!("\r\x1b[K{text}"));
        } else if is_new {
            print(&format!("{text}\n"));
        }
    }

    fn clear(&self) {
        if self.counts_down && self.announced > 0 {
            print("\r\x1b[K");
        }
    }
}

/// The phase at a time, its number and its line. The last one stays.
fn line(phases: &[Phase], elapsed: Duration) -> Option<(usize, String)> {
    let mut end = Duration::ZERO;
    let mut current = None;
    for (number, phase) in phases.iter().enumerate() {
        end = end.saturating_add(phase.limit);
        current = Some((number, phase));
        if elapsed < end {
            break;
        }
    }
    let (number, phase) = current?;
    let left = end.saturating_sub(elapsed).as_millis().div_ceil(1000);
    Some((number, format!("{} (waits up to {left} s)", escape(&phase.text))))
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
    fn phases_follow_each_other_and_the_last_one_stays() {
        let seconds = Duration::from_secs;
        let phases = [Phase::new("Step", seconds(7)), Phase::new("Touch\x07", seconds(35))];
        let at = |milliseconds| line(&phases, Duration::from_millis(milliseconds)).unwrap();
        assert_eq!(at(300), (0, "Step (waits up to 7 s)".to_owned()));
        assert_eq!(at(6_999), (0, "Step (waits up to 1 s)".to_owned()));
        assert_eq!(at(7_000), (1, "Touch\\u{7} (waits up to 35 s)".to_owned()));
        assert_eq!(at(99_000), (1, "Touch\\u{7} (waits up to 0 s)".to_owned()));
        assert!(line(&[], Duration::ZERO).is_none());
    }
}
