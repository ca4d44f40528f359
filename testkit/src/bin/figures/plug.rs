//! Measures the time from the report of a card by the smart card service until its token is ready.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Lines, Write};
use std::num::NonZeroUsize;
use std::process::{ChildStdin, ChildStdout, Stdio};
use std::time::Duration;

use futures_util::StreamExt;
use rustix::time::{ClockId, clock_gettime};
use zbus::message::Type;
use zbus::{MatchRule, MessageStream, OwnedVariant};

use super::Failure;
use super::builds::Builds;
use super::rig::{NAME, ROOT, Rig, Running};
use super::sample::Sample;
use super::table::{Goal, Table};

/// The number of insertions for each program.
const ROUNDS: usize = 20;

/// The duration of each command.
const COMMAND_DELAY: Duration = Duration::from_millis(4);

/// The timeout for a signal of the daemon, far longer than any round takes.
const SIGNAL_TIMEOUT: Duration = Duration::from_secs(20);

/// Compares the daemon with a program that sends the same commands. The daemon knows the token from an earlier insertion.
pub(crate) async fn to_ready(builds: &Builds, table: &mut Table) -> Result<(), Failure> {
    let mut daemons = Vec::new();
    for rig in builds.rigs().await? {
        daemons.push((Daemon::start(rig).await?, Sample::default()));
    }
    let headers = match daemons.first() {
        Some((daemon, _)) => daemon.headers()?,
        None => return Err("there is no daemon".into()),
    };
    let mut bare = Observer::start(builds.bare().await?, &headers)?;
    let mut bare_times = Sample::default();
    for _ in 0..ROUNDS {
        for (daemon, times) in &mut daemons {
            times.add_time(daemon.round().await?);
        }
        bare_times.add_time(bare.round().await?);
    }
    let ours: Vec<_> = daemons.into_iter().map(|(_, times)| times).collect();
    let what = format!("card noticed to token ready, 4 ms for each of {} APDUs", headers.len());
    table.compare(&what, "ms", &ours, &bare_times, Goal::AtMost(1.2));
    Ok(())
}

/// A daemon, and a program that watches the same reader.
struct Daemon {
    _running: Running,
    observer: Observer,
    signals: MessageStream,
}

impl Daemon {
    async fn start(rig: Rig) -> Result<Self, Failure> {
        let running = rig.started("state").await?;
        let rule = MatchRule::builder().msg_type(Type::Signal).sender(NAME).path_namespace(ROOT).build()?;
        let signals = MessageStream::for_match_rule(rule, &rig.connection, NonZeroUsize::new(1024)).await?;
        let mut daemon = Self { _running: running, observer: Observer::start(rig, &[])?, signals };
        // At the next insertion the daemon knows the token, and sends only the necessary commands.
        daemon.round().await?;
        Ok(daemon)
    }

    /// The headers of the commands since the insertion.
    fn headers(&self) -> Result<Vec<[u8; 4]>, Failure> {
        let log = self.observer.rig.card.log();
        if log.is_empty() { Err("the daemon sends no command to the card".into()) } else { Ok(log) }
    }

    async fn round(&mut self) -> Result<Duration, Failure> {
        self.observer.rig.remove()?;
        self.wait_for("InterfacesRemoved", |_| true).await?;
        self.observer.arm()?;
        self.observer.rig.insert_another(COMMAND_DELAY).await?;
        self.wait_for("PropertiesChanged", is_ready).await?;
        let ready = now();
        let (noticed, _) = self.observer.times()?;
        Ok(Duration::from_nanos(ready.saturating_sub(noticed)))
    }

    async fn wait_for(&mut self, member: &str, is_meant: fn(&zbus::Message) -> bool) -> Result<(), Failure> {
        let signal = async {
            loop {
                let signal = self.signals.next().await.ok_or("the bus is gone")??;
                if signal.header().member().is_some_and(|name| name == member) && is_meant(&signal) {
                    return Ok(());
                }
            }
        };
        tokio::time::timeout(SIGNAL_TIMEOUT, signal)
            .await
            .map_err(|_| format!("there is no signal {member}"))?
    }
}

/// Whether a signal reports the state `ready` of a token.
fn is_ready(signal: &zbus::Message) -> bool {
    type Changes = (String, HashMap<String, OwnedVariant>, Vec<String>);
    let body = signal.body();
    let Ok((interface, changes, _)) = body.deserialize::<Changes>() else { return false };
    let state = changes.get("State").and_then(|state| state.downcast_ref::<&str>().ok());
    interface == format!("{NAME}.Token") && state == Some("ready")
}

/// The program `bare-plug` on a rig.
struct Observer {
    _running: Running,
    requests: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    rig: Rig,
}

impl Observer {
    fn start(rig: Rig, headers: &[[u8; 4]]) -> Result<Self, Failure> {
        let mut command = rig.bare_program("bare-plug")?;
        command.arg(rig.reader()).args(headers.iter().map(|header| data_encoding::HEXLOWER.encode(header)));
        let mut running = Running::new(command.stdin(Stdio::piped()).stdout(Stdio::piped()))?;
        let requests = running.0.stdin.take().ok_or("no standard input")?;
        let lines = BufReader::new(running.0.stdout.take().ok_or("no standard output")?).lines();
        Ok(Self { _running: running, requests, lines, rig })
    }

    async fn round(&mut self) -> Result<Duration, Failure> {
        self.rig.remove()?;
        self.arm()?;
        self.rig.insert_another(COMMAND_DELAY).await?;
        let (noticed, done) = self.times()?;
        Ok(Duration::from_nanos(done.saturating_sub(noticed)))
    }

    /// Makes the program wait for the next card.
    fn arm(&mut self) -> Result<(), Failure> {
        writeln!(self.requests)?;
        let line = self.lines.next().ok_or("bare-plug ended")??;
        if line == "armed" { Ok(()) } else { Err(format!("bare-plug says {line}").into()) }
    }

    /// The times, in nanoseconds, at which the program noticed the card and had received all responses.
    fn times(&mut self) -> Result<(u64, u64), Failure> {
        let line = self.lines.next().ok_or("bare-plug ended")??;
        let (noticed, done) = line.split_once(' ').ok_or("bare-plug says one word")?;
        Ok((noticed.parse()?, done.parse()?))
    }
}

/// The time of the monotonic clock, which `bare-plug` uses as well, in nanoseconds.
#[expect(clippy::disallowed_methods, reason = "this process is dumpable")]
fn now() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    u64::try_from(i128::from(now.tv_sec) * 1_000_000_000 + i128::from(now.tv_nsec)).unwrap_or_default()
}
