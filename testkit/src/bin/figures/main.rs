//! Measures the daemon against the least that could do the same, side by side, and against its goals.

mod calculate;
mod process;
mod resources;
mod rig;
mod sample;
mod start;
mod table;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use tokio::signal::unix::{SignalKind, signal};

use self::rig::Rig;
use self::table::Table;

/// What any step here may fail with.
type Failure = Box<dyn Error>;

/// Measures speed, memory and idleness of the daemon. Fails when a goal is missed.
#[derive(Parser)]
struct Arguments {
    /// Where the programs are; by default, where this one is.
    #[arg(long, value_name = "FOLDER")]
    programs: Option<PathBuf>,
    /// How long to watch the idle daemon.
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    idle_seconds: u64,
    /// Which figures; by default, all.
    #[arg(value_enum)]
    figures: Vec<Figure>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Figure {
    Code,
    Process,
    Start,
    Memory,
    Idle,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode, Failure> {
    let arguments = Arguments::parse();
    let mut table = Table::default();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    // Ends in good order in any case: what was started goes, too.
    tokio::select! {
        measured = measure(&arguments, &mut table) => measured?,
        _ = terminate.recv() => return Err("stopped".into()),
        _ = interrupt.recv() => return Err("stopped".into()),
    }
    Ok(if table.all_reached() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn measure(arguments: &Arguments, table: &mut Table) -> Result<(), Failure> {
    let figures = match arguments.figures.as_slice() {
        [] => Figure::value_variants(),
        some => some,
    };
    let rig = Rig::new(arguments.programs.clone()).await?;
    table.note("Each figure is a median, with its quartiles; the two sides take turns.");
    for figure in figures {
        match figure {
            Figure::Code => {
                calculate::with_delay(&rig, table).await?;
                calculate::without_delay(&rig, table).await?;
            }
            Figure::Process => process::whole(&rig, table).await?,
            Figure::Start => start::to_name(&rig, table).await?,
            Figure::Memory => resources::memory(&rig, table).await?,
            Figure::Idle => {
                resources::idle(&rig, table, Duration::from_secs(arguments.idle_seconds)).await?;
            }
        }
    }
    Ok(())
}
