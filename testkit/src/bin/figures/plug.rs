//! Measures the time from the report of a card by the smart card service until its token is ready.

use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{ChildStdin, ChildStdout, Stdio};
use std::time::Duration;

use super::Failure;
use super::builds::Builds;
use super::rig::{Rig, Running};
use super::sample::Sample;
use super::signals::Signals;
use super::table::{Goal, Table};

/// The number of insertions for each program.
const ROUNDS: usize = 20;

/// The duration of each command.
const COMMAND_DELAY: Duration = Duration::from_millis(4);

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
    signals: Signals,
}

impl Daemon {
    async fn start(rig: Rig) -> Result<Self, Failure> {
        let running = rig.started("state").await?;
        let signals = Signals::subscribe(&rig.connection).await?;
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
        self.signals.removed().await?;
        self.observer.arm()?;
        self.observer.rig.insert_another(COMMAND_DELAY).await?;
        let ready = self.signals.ready().await?;
        let (noticed, _) = self.observer.times()?;
        Ok(Duration::from_nanos(ready.saturating_sub(noticed)))
    }
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
