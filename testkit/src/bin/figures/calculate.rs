//! `Calculate` over D-Bus against a program that speaks PC/SC itself, and with the same card.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::Failure;
use super::rig::{CREDENTIAL, Rig, Running};
use super::sample::Sample;
use super::table::{Goal, Table};

/// How many codes each side calculates before it is the other's turn.
const BATCH: usize = 10;

/// A card that takes its time; a YubiKey needs 6 to 10 ms for a command.
pub(crate) async fn with_delay(rig: &Rig, table: &mut Table) -> Result<(), Failure> {
    let (ours, bare) = measure(rig, Duration::from_millis(4), 20).await?;
    let what = "A code over D-Bus, against a bare PC/SC program; 4 ms for a command";
    table.compare(what, "ms", &ours, &bare, Goal::AtMost(1.2));
    Ok(())
}

/// A card that answers at once shows what the daemon adds.
pub(crate) async fn without_delay(rig: &Rig, table: &mut Table) -> Result<(), Failure> {
    let (ours, bare) = measure(rig, Duration::ZERO, 50).await?;
    table.compare("The same with a card that answers at once", "ms", &ours, &bare, Goal::None);
    Ok(())
}

async fn measure(rig: &Rig, delay: Duration, batches: usize) -> Result<(Sample, Sample), Failure> {
    rig.card.set_delay(delay);
    let _daemon = rig.started("state").await?;
    let credential = rig.credential().await?;
    let mut bare = Running::new(
        rig.program("bare-pcsc")
            .args([&rig.reader(), CREDENTIAL])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped()),
    )?;
    let mut orders = bare.0.stdin.take().ok_or("no standard input")?;
    let mut times = BufReader::new(bare.0.stdout.take().ok_or("no standard output")?).lines();
    let (mut ours, mut theirs) = (Sample::default(), Sample::default());
    // The first batch warms up: the card is powered, the programs' pages are in memory.
    for batch in 0..=batches {
        let before = rig.card.commands();
        for _ in 0..BATCH {
            let start = Instant::now();
            rig.calculate(&credential).await?;
            if batch > 0 {
                ours.add_time(start.elapsed());
            }
        }
        writeln!(orders, "{BATCH}")?;
        for _ in 0..BATCH {
            let time: u64 = times.next().ok_or("bare-pcsc ended")??.parse()?;
            if batch > 0 {
                theirs.add_time(Duration::from_nanos(time));
            }
        }
        let sent = rig.card.commands() - before;
        let due = 2 * 2 * BATCH;
        // A code whose time step ended on the way is calculated once more.
        if sent != due && sent != due + 2 {
            let newest = rig.card.log();
            let newest = newest.split_at(newest.len().saturating_sub(sent)).1;
            return Err(format!("the two sides don't send the same commands: {newest:02x?}").into());
        }
    }
    rig.card.set_delay(Duration::ZERO);
    Ok((ours, theirs))
}
