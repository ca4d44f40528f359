//! Measures a code on the command line, from the start of the program to its end.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::Failure;
use super::builds::Builds;
use super::rig::{ACCOUNT, CREDENTIAL};
use super::sample::Sample;
use super::table::{Goal, Table};

/// The number of codes from each program.
const ROUNDS: usize = 20;

/// Compares `oathbridgectl code` with `ykman oath accounts code -s`.
pub(crate) async fn whole(builds: &Builds, table: &mut Table) -> Result<(), Failure> {
    let mut ours = Vec::new();
    for rig in builds.rigs().await? {
        let mut command = rig.program("oathbridgectl");
        command.args(["code", ACCOUNT]);
        ours.push((command, Sample::default(), rig.started("state").await?, rig));
    }
    let bare = builds.bare().await?;
    let mut ykman = bare.command(&testkit::ykman::ykman()?);
    ykman.args(["--reader", &bare.reader(), "oath", "accounts", "code", "-s", CREDENTIAL]);
    let mut theirs = Sample::default();
    // The first round is not counted, because it loads the programs into memory.
    for round in 0..=ROUNDS {
        for (command, times, ..) in &mut ours {
            let time = time(command)?;
            if round > 0 {
                times.add_time(time);
            }
        }
        let time = time(&mut ykman)?;
        if round > 0 {
            theirs.add_time(time);
        }
    }
    let ours: Vec<_> = ours.into_iter().map(|(_, times, ..)| times).collect();
    let what = "ykman oath accounts code -s (bare) to oathbridgectl code";
    table.outrun(what, "ms", &ours, &theirs, Goal::AtLeast(50.0));
    Ok(())
}

fn time(command: &mut Command) -> Result<Duration, Failure> {
    let start = Instant::now();
    let output = command.stdout(Stdio::piped()).output()?;
    let time = start.elapsed();
    let code = String::from_utf8(output.stdout)?;
    let is_code = code.trim_end().len() == 6 && code.trim_end().bytes().all(|byte| byte.is_ascii_digit());
    if is_code { Ok(time) } else { Err(format!("{command:?} prints no code").into()) }
}
