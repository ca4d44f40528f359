//! From the start of a program until its name is on the bus.

use std::process::Command;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use zbus::fdo::{DBusProxy, NameOwnerChangedStream};

use super::Failure;
use super::rig::{NAME, Rig, Running};
use super::sample::Sample;
use super::table::{Goal, Table};

const ROUNDS: usize = 40;
const BARE_NAME: &str = "io.github.oathbridge.Bare";

/// The daemon against a program that does nothing else.
pub(crate) async fn to_name(rig: &Rig, table: &mut Table) -> Result<(), Failure> {
    let bus = DBusProxy::new(&rig.connection).await?;
    let mut our_changes = bus.receive_name_owner_changed_with_args(&[(0, NAME)]).await?;
    let mut bare_changes = bus.receive_name_owner_changed_with_args(&[(0, BARE_NAME)]).await?;
    let (mut ours, mut bare) = (Sample::default(), Sample::default());
    // The first round warms up.
    for round in 0..=ROUNDS {
        let our_time = time(&mut rig.daemon("state"), &mut our_changes).await?;
        let bare_time = time(rig.program("bare-zbus").arg(BARE_NAME), &mut bare_changes).await?;
        if round > 0 {
            ours.add_time(our_time);
            bare.add_time(bare_time);
        }
    }
    let what = "From start to name, against a bare zbus program";
    table.compare(what, "ms", &ours, &bare, Goal::AtMost(2.0));
    Ok(())
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
