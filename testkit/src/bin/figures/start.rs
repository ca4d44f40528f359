//! Measures the time from the start of a program until it owns its name on the bus.

use std::process::Command;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use zbus::fdo::{DBusProxy, NameOwnerChangedStream};

use super::Failure;
use super::builds::Builds;
use super::caller::NAME;
use super::rig::{BARE_NAME, Rig, Running};
use super::sample::Sample;
use super::table::{Goal, Table};

/// The number of starts of each program.
const ROUNDS: usize = 40;

/// Compares the daemon with a program that only takes a name.
pub(crate) async fn to_name(builds: &Builds, table: &mut Table) -> Result<(), Failure> {
    let mut daemons = Vec::new();
    for rig in builds.rigs().await? {
        daemons.push((changes(&rig, NAME).await?, Sample::default(), rig));
    }
    let bare_rig = builds.bare().await?;
    let (mut bare_changes, mut bare) = (changes(&bare_rig, BARE_NAME).await?, Sample::default());
    // The first round is not counted, because it loads the programs into memory.
    for round in 0..=ROUNDS {
        for (changes, times, rig) in &mut daemons {
            let time = time(&mut rig.daemon("state"), changes).await?;
            if round > 0 {
                times.add_time(time);
            }
        }
        let time = time(bare_rig.program("bare-zbus").arg(BARE_NAME), &mut bare_changes).await?;
        if round > 0 {
            bare.add_time(time);
        }
    }
    let ours: Vec<_> = daemons.into_iter().map(|(_, times, _)| times).collect();
    table.compare("start to name, to a bare zbus program", "ms", &ours, &bare, Goal::AtMost(1.5));
    Ok(())
}

async fn changes(rig: &Rig, name: &str) -> Result<NameOwnerChangedStream, Failure> {
    let bus = DBusProxy::new(&rig.connection).await?;
    Ok(bus.receive_name_owner_changed_with_args(&[(0, name)]).await?)
}

async fn time(command: &mut Command, changes: &mut NameOwnerChangedStream) -> Result<Duration, Failure> {
    let start = Instant::now();
    let running = Running::new(command)?;
    changes.next().await.ok_or("the bus is gone")?;
    let time = start.elapsed();
    drop(running);
    changes.next().await.ok_or("the bus is gone")?;
    Ok(time)
}
