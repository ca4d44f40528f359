//! The announcement of a touch that the token does not tell of: its wait is noticed by its length.

use std::convert::Infallible;
use std::time::Duration;

use tokio::sync::watch;

use crate::clock::Clock;

/// The time without a response after which the token is taken to wait for a touch, as in Yubico Authenticator.
const NOTICE: Duration = Duration::from_millis(500);

/// A command of one job that may wait for a touch. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct HiddenTouch(watch::Sender<Command>);

/// The last command, and the monotonic time at which it was sent, while it runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Command {
    number: usize,
    sent: Option<Duration>,
}

impl HiddenTouch {
    /// The command begins at this monotonic time, or ends.
    pub(super) fn set(&self, sent: Option<Duration>) {
        self.0.send_modify(|command| {
            command.number += usize::from(sent.is_some());
            command.sent = sent;
        });
    }

    /// Calls `announce` for each command that runs for longer than [`NOTICE`]. Never returns.
    pub(super) async fn watch(&self, clock: &dyn Clock, announce: impl Fn()) -> Infallible {
        let mut commands = self.0.subscribe();
        loop {
            let command = *commands.borrow_and_update();
            let notice = async {
                match command.sent {
                    Some(sent) => {
                        clock.sleep((sent + NOTICE).saturating_sub(clock.monotonic())).await;
                        self.announce_running(command, &announce);
                        std::future::pending().await
                    }
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                // The sender lives as long as this borrow, so there is no error.
                _ = commands.changed() => {}
                () = notice => {}
            }
        }
    }

    /// Calls `announce` if this command still runs. It cannot end before that returns, because this holds the lock that
    /// [`HiddenTouch::set`] takes: the announcement would otherwise be that of the next job.
    fn announce_running(&self, command: Command, announce: impl Fn()) {
        let running = self.0.borrow();
        if *running == command {
            announce();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::FutureExt;

    use super::*;
    use crate::clock::{ManualClock, Sleep};

    #[tokio::test]
    async fn a_command_is_announced_once_after_half_a_second() {
        let clock = ManualClock::at(Duration::ZERO);
        let (touch, announced) = (HiddenTouch::default(), AtomicUsize::new(0));
        let count = || announced.load(Ordering::SeqCst);
        let commands = async {
            // A command that ends in time, one of the same moment that does not, and a third one.
            touch.set(Some(clock.monotonic()));
            clock.wait_for_sleeper(NOTICE).await;
            clock.advance(NOTICE / 2);
            touch.set(None);
            for expected in [1, 2] {
                touch.set(Some(clock.monotonic()));
                clock.wait_for_sleeper(NOTICE).await;
                clock.advance(NOTICE - Duration::from_millis(1));
                clock.wait_for_sleeper(Duration::from_millis(1)).await;
                tokio::task::yield_now().await;
                assert_eq!(count(), expected - 1);
                clock.advance(Duration::from_millis(1));
                while count() < expected {
                    tokio::task::yield_now().await;
                }
                touch.set(None);
            }
        };
        let announce = || {
            announced.fetch_add(1, Ordering::SeqCst);
        };
        tokio::select! {
            never = touch.watch(&clock, announce) => match never {},
            () = commands => {}
        }
        assert_eq!(count(), 2);
    }

    /// A clock with which the command ends in the moment in which the wait for it ends.
    #[derive(Debug)]
    struct EndsWithTheCommand(HiddenTouch);

    impl Clock for EndsWithTheCommand {
        fn unix_time(&self) -> Duration {
            Duration::ZERO
        }

        fn monotonic(&self) -> Duration {
            Duration::ZERO
        }

        fn sleep(&self, _: Duration) -> Sleep {
            let touch = self.0.clone();
            Box::pin(async move { touch.set(None) })
        }

        fn pause(&self, _: Duration) {}
    }

    #[test]
    fn a_command_that_ends_with_the_wait_is_not_announced() {
        let touch = HiddenTouch::default();
        touch.set(Some(Duration::ZERO));
        let clock = EndsWithTheCommand(touch.clone());
        let announced = AtomicUsize::new(0);
        let announce = || {
            announced.fetch_add(1, Ordering::SeqCst);
        };
        assert!(touch.watch(&clock, announce).now_or_never().is_none());
        assert_eq!(announced.load(Ordering::SeqCst), 0);
    }
}
