//! Measures the time of a new client's first call while another program floods the service with calls.

use std::time::{Duration, Instant};

use zbus::{OwnedObjectPath, connection, fdo};

use super::Failure;
use super::builds::Builds;
use super::caller::{NAME, ROOT};
use super::rig::{BARE_NAME, Rig, Running};
use super::sample::Sample;
use super::table::{Goal, Table};

/// The number of floods. A bus that falls behind stays behind until the end of its flood, so one flood is not enough.
const ROUNDS: usize = 9;

/// The number of calls of one flood, which a client sends in one to three seconds.
const CALLS: usize = 50_000;

/// The pause between two new clients, so that they are not a flood themselves.
const CLIENT_INTERVAL: Duration = Duration::from_millis(2);

/// Measures the 99th percentile of the first calls in each round; the figure is the median of the rounds.
pub(crate) async fn first_call(builds: &Builds, table: &mut Table) -> Result<(), Failure> {
    let mut daemons = Vec::new();
    for rig in builds.rigs().await? {
        daemons.push((Side::daemon(rig).await?, Sample::default()));
    }
    let path = daemons.first().map(|(side, _)| side.path.clone()).ok_or("there is no daemon")?;
    let bare = Side::bare(builds.bare().await?, path).await?;
    let mut bare_times = Sample::default();
    for _ in 0..ROUNDS {
        for (side, times) in &mut daemons {
            times.add(side.round().await?);
        }
        bare_times.add(bare.round().await?);
    }
    let ours: Vec<_> = daemons.into_iter().map(|(_, times)| times).collect();
    let what = "a new client's first call during a flood, 99th percentile";
    table.compare(what, "ms", &ours, &bare_times, Goal::AtMost(1.5));
    Ok(())
}

/// A running service, and the object of the flood.
struct Side {
    _running: Running,
    rig: Rig,
    name: &'static str,
    path: OwnedObjectPath,
}

impl Side {
    async fn daemon(rig: Rig) -> Result<Self, Failure> {
        rig.limit()?;
        let running = rig.started("state").await?;
        let path = rig.credential().await?;
        Ok(Self { _running: running, rig, name: NAME, path })
    }

    async fn bare(rig: Rig, path: OwnedObjectPath) -> Result<Self, Failure> {
        let running = Running::new(rig.bare_program("bare-refusal")?.args([BARE_NAME, path.as_str()]))?;
        let side = Self { _running: running, rig, name: BARE_NAME, path };
        while side.call().await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(side)
    }

    /// The 99th percentile of the first calls of new clients, in milliseconds.
    async fn round(&self) -> Result<f64, Failure> {
        let mut flooder = self.rig.bare_program("flooder")?;
        flooder.args([self.name, self.path.as_str(), &CALLS.to_string()]);
        let mut flooder = Running::new(&mut flooder)?;
        let mut times = Sample::default();
        let ended = loop {
            times.add_time(self.call().await?);
            if let Some(status) = flooder.0.try_wait()? {
                break status;
            }
            tokio::time::sleep(CLIENT_INTERVAL).await;
        };
        if ended.success() { Ok(times.percentile(99)) } else { Err(format!("flooder ended: {ended}").into()) }
    }

    /// The time of the first call of a new client.
    async fn call(&self) -> Result<Duration, Failure> {
        let client = connection::Builder::address(self.rig.address()).build().await?;
        let interface = format!("{NAME}.Manager");
        let begun = Instant::now();
        let answer =
            client.call_method(Some(self.name), ROOT, Some(interface.as_str()), "GetCallerInfo", &()).await;
        let time = begun.elapsed();
        let refused = matches!(&answer, Err(zbus::Error::FDO(error)) if matches!(**error, fdo::Error::LimitsExceeded(_)));
        // The bare service refuses the call, which is the minimum work.
        if refused == (self.name == BARE_NAME) && (refused || answer.is_ok()) {
            return Ok(time);
        }
        Err(format!("{} answers {answer:?}", self.name).into())
    }
}
