//! Measures the calls of a well-behaved program beside four hostile ones.

use std::time::{Duration, Instant};

use zbus::OwnedObjectPath;

use super::Failure;
use super::builds::Builds;
use super::caller::{NAME, ROOT};
use super::rig::{BARE_NAME, Rig, Running};
use super::sample::Sample;
use super::table::{Goal, Table};

/// The number of measurements of each side, which take turns.
const ROUNDS: usize = 5;

/// The number of hostile programs.
const HOSTILE: usize = 4;

/// The calls of a well-behaved program in one measurement, and the pause between two of them: less than the limits allow.
const CALLS: usize = 100;
const CALL_INTERVAL: Duration = Duration::from_millis(12);

/// The interface of a property that does not change.
const MANAGER: &str = "io.github.oathbridge.OathBridge1.Manager";

/// The time after which the hostile programs are at work.
const WARM_UP: Duration = Duration::from_millis(300);

/// Measures the 99th percentile of each round; the figure is the median of the rounds.
pub(crate) async fn beside(builds: &Builds, table: &mut Table) -> Result<(), Failure> {
    let mut sides = Vec::new();
    for rig in builds.rigs().await? {
        rig.limit()?;
        let running = rig.started("state").await?;
        let path = rig.credential().await?;
        sides.push(Side { _running: running, rig, name: NAME, path });
    }
    let path = sides.first().map(|side| side.path.clone()).ok_or("there is no daemon")?;
    let rig = builds.bare().await?;
    let running = Running::new(rig.bare_program("bare-refusal")?.args([BARE_NAME, path.as_str()]))?;
    let bare = Side { _running: running, rig, name: BARE_NAME, path };
    bare.answers().await?;
    let mut beside: Vec<_> = sides.iter().map(|_| Sample::default()).collect();
    let (mut alone, mut bare_beside) = (Sample::default(), Sample::default());
    for _ in 0..ROUNDS {
        alone.add(sides.first().ok_or("there is no daemon")?.alone().await?);
        for (side, times) in sides.iter().zip(&mut beside) {
            times.add(side.beside_hostile().await?);
        }
        bare_beside.add(bare.beside_hostile().await?);
    }
    let what = "a call beside four hostile programs, 99th percentile, to";
    table.compare(&format!("{what} it alone"), "ms", &beside, &alone, Goal::AtMost(2.0));
    table.compare(&format!("{what} a bare one"), "ms", &beside, &bare_beside, Goal::AtMost(1.5));
    Ok(())
}

/// A running service, and the object of the hostile calls.
struct Side {
    _running: Running,
    rig: Rig,
    name: &'static str,
    path: OwnedObjectPath,
}

impl Side {
    async fn beside_hostile(&self) -> Result<f64, Failure> {
        let token = self.path.as_str().replace("credentials", "tokens");
        let token = token.rsplit_once('_').ok_or("the path of the credential is strange")?.0;
        let mut hostile = Vec::new();
        for _ in 0..HOSTILE {
            let mut program = self.rig.bare_program("hostile")?;
            hostile.push(Running::new(program.args([self.name, self.path.as_str(), token]))?);
        }
        tokio::time::sleep(WARM_UP).await;
        let measured = self.alone().await?;
        for program in &mut hostile {
            if let Some(status) = program.0.try_wait()? {
                return Err(format!("a hostile program ended: {status}").into());
            }
        }
        Ok(measured)
    }

    /// The 99th percentile of the calls, in milliseconds.
    async fn alone(&self) -> Result<f64, Failure> {
        let mut times = Sample::default();
        for _ in 0..CALLS {
            times.add_time(self.call().await?);
            tokio::time::sleep(CALL_INTERVAL).await;
        }
        Ok(times.percentile(99))
    }

    /// Waits until the service has its name.
    async fn answers(&self) -> Result<(), Failure> {
        let bus = zbus::fdo::DBusProxy::new(&self.rig.connection).await?;
        while !bus.name_has_owner(self.name.try_into()?).await? {
            tokio::time::sleep(CALL_INTERVAL).await;
        }
        Ok(())
    }

    async fn call(&self) -> Result<Duration, Failure> {
        let begun = Instant::now();
        let answer = self
            .rig
            .connection
            .call_method(
                Some(self.name),
                ROOT,
                Some("org.freedesktop.DBus.Properties"),
                "Get",
                &(MANAGER, "Version"),
            )
            .await;
        let time = begun.elapsed();
        match answer {
            // The bare service has no properties; its refusal is the minimum work.
            Err(zbus::Error::MethodError(..) | zbus::Error::FDO(_)) if self.name == BARE_NAME => Ok(time),
            answer => answer.map(|_| time).map_err(Into::into),
        }
    }
}
