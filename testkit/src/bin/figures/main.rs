//! Measures the daemon, compared with bare programs that do the same minimum of work, and with an older build.

mod builds;
mod calculate;
mod caller;
mod flood;
mod hid;
mod hostile;
mod list;
mod nodes;
mod plug;
mod process;
mod resources;
mod rig;
mod sample;
mod signals;
mod sizes;
mod start;
mod table;

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use tokio::signal::unix::{SignalKind, signal};

use self::builds::Builds;
use self::table::Table;

/// The error of any step.
type Failure = Box<dyn Error>;

/// Measures speed, memory, size and idleness of the daemon. Fails only when something can't be measured.
#[derive(Parser)]
struct Arguments {
    /// The folder of the programs to measure; by default, the folder of this one.
    #[arg(long, value_name = "FOLDER")]
    programs: Option<PathBuf>,
    /// The folder of older programs, to measure side by side with them.
    #[arg(long, value_name = "FOLDER")]
    old: Option<PathBuf>,
    /// How long to watch the idle daemon.
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    idle_seconds: u64,
    #[command(flatten)]
    place: nodes::Place,
    /// Which figures; by default, all that need no virtual machine.
    #[arg(value_enum)]
    figures: Vec<Figure>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Figure {
    Code,
    Hid,
    Plug,
    Flood,
    Hostile,
    Start,
    Memory,
    Sizes,
    Process,
    List,
    Idle,
    /// Keys on the kernel's nodes, in a virtual machine.
    Nodes,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let arguments = Arguments::parse();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    // Returns after a signal as well, so that all started programs are stopped.
    tokio::select! {
        measured = measure(&arguments) => measured,
        _ = terminate.recv() => Err("stopped".into()),
        _ = interrupt.recv() => Err("stopped".into()),
    }
}

async fn measure(arguments: &Arguments) -> Result<(), Failure> {
    let figures = match arguments.figures.as_slice() {
        [] => Figure::value_variants().iter().copied().filter(|figure| *figure != Figure::Nodes).collect(),
        some => some.to_vec(),
    };
    let builds = Builds::new(arguments.programs.clone(), arguments.old.clone())?;
    let mut table = Table::new(builds.old.is_some());
    for figure in figures {
        match figure {
            Figure::Code => {
                calculate::without_delay(&builds, &mut table).await?;
                calculate::with_delay(&builds, &mut table).await?;
            }
            Figure::Hid => hid::calculate(&builds, &mut table).await?,
            Figure::Plug => plug::to_ready(&builds, &mut table).await?,
            Figure::Flood => flood::first_call(&builds, &mut table).await?,
            Figure::Hostile => hostile::beside(&builds, &mut table).await?,
            Figure::Start => start::to_name(&builds, &mut table).await?,
            Figure::Memory => resources::memory(&builds, &mut table).await?,
            Figure::Sizes => sizes::of_programs(&builds, &mut table)?,
            Figure::Process => process::whole(&builds, &mut table).await?,
            Figure::List => list::whole(&builds, &mut table).await?,
            Figure::Nodes => nodes::measure(&arguments.place, &mut table).await?,
            Figure::Idle => {
                resources::idle(&builds, &mut table, Duration::from_secs(arguments.idle_seconds)).await?;
            }
        }
    }
    table.end();
    Ok(())
}
