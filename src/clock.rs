//! The clock as a dependency: the system's clock in the daemon, a manual clock in tests.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

/// The longest pause of a manual clock.
const MANUAL_PAUSE: Duration = Duration::from_millis(1);

/// A future that ends at a point in time; see [`Clock::sleep`].
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The source of the daemon's time.
pub trait Clock: Send + Sync + fmt::Debug {
    /// Wall-clock time since the Unix epoch. It may jump in both directions.
    fn unix_time(&self) -> Duration;

    /// Time since a fixed point; it never jumps. Deadlines use it.
    fn monotonic(&self) -> Duration;

    /// Completes when `duration` has passed by [`Clock::monotonic`].
    fn sleep(&self, duration: Duration) -> Sleep;

    /// Blocks this thread for `duration`, between two looks at a device. No deadline depends on the length of a pause.
    fn pause(&self, duration: Duration);
}

/// The system's clock.
#[derive(Debug)]
pub struct SystemClock {
    started: Instant,
}

impl SystemClock {
    /// A clock whose monotonic time starts now.
    pub fn new() -> Self {
        Self { started: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn unix_time(&self) -> Duration {
        // There is no time step before 1970. Zero results in wrong codes, which is correct for such a clock.
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        Box::pin(tokio::time::sleep(duration))
    }

    fn pause(&self, duration: Duration) {
        thread::sleep(duration);
    }
}

/// A clock that stands still until a test moves it.
#[derive(Debug)]
pub struct ManualClock {
    now: watch::Sender<Times>,
}

#[derive(Clone, Debug)]
struct Times {
    unix: Duration,
    monotonic: Duration,
    /// The wake-up times of the sleepers, as monotonic time.
    wakes: Vec<Duration>,
}

impl ManualClock {
    /// A clock that shows `unix` until a test moves it.
    pub fn at(unix: Duration) -> Self {
        Self { now: watch::Sender::new(Times { unix, monotonic: Duration::ZERO, wakes: Vec::new() }) }
    }

    /// Advances both times by `duration`, and wakes the sleepers whose time has come.
    pub fn advance(&self, duration: Duration) {
        self.now.send_modify(|times| {
            times.unix += duration;
            times.monotonic += duration;
        });
    }

    /// Sets the wall clock, like an administrator or NTP; the monotonic time does not change.
    pub fn set_unix_time(&self, unix: Duration) {
        self.now.send_modify(|times| times.unix = unix);
    }

    /// Completes when there is a sleeper that will wake in exactly `duration`. A test can then move the clock.
    pub async fn wait_for_sleeper(&self, duration: Duration) {
        let sleeps = |times: &Times| times.wakes.contains(&(times.monotonic + duration));
        // The sender lives as long as this borrow, so waiting cannot fail.
        let _ = self.now.subscribe().wait_for(sleeps).await;
    }
}

impl Clock for ManualClock {
    fn unix_time(&self) -> Duration {
        self.now.borrow().unix
    }

    fn monotonic(&self) -> Duration {
        self.now.borrow().monotonic
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        let sleeper = Sleeper::new(self.now.clone(), duration);
        Box::pin(async move {
            let _ = sleeper.now.subscribe().wait_for(|times| times.monotonic >= sleeper.wake).await;
        })
    }

    /// Lets other threads run for a moment; the clock stands still.
    fn pause(&self, duration: Duration) {
        thread::sleep(duration.min(MANUAL_PAUSE));
    }
}

/// One sleep on a manual clock, registered there until it ends or is dropped.
struct Sleeper {
    now: watch::Sender<Times>,
    wake: Duration,
}

impl Sleeper {
    fn new(now: watch::Sender<Times>, duration: Duration) -> Self {
        let wake = now.borrow().monotonic + duration;
        now.send_modify(|times| times.wakes.push(wake));
        Self { now, wake }
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        self.now.send_modify(|times| {
            if let Some(place) = times.wakes.iter().position(|wake| *wake == self.wake) {
                times.wakes.swap_remove(place);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Waker};

    use super::*;

    #[tokio::test]
    async fn a_manual_clock_wakes_sleepers_at_their_time() {
        let clock = ManualClock::at(Duration::from_secs(59));
        let mut sleep = clock.sleep(Duration::from_secs(30));
        clock.wait_for_sleeper(Duration::from_secs(30)).await;
        clock.advance(Duration::from_secs(29));
        clock.set_unix_time(Duration::from_secs(5_000));
        let mut context = Context::from_waker(Waker::noop());
        assert!(
            sleep.as_mut().poll(&mut context).is_pending(),
            "a jump of the wall clock must not wake a sleeper"
        );
        clock.advance(Duration::from_secs(1));
        sleep.await;
        assert_eq!(clock.monotonic(), Duration::from_secs(30));
    }
}
