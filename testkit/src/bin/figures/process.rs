//! A code on the command line, from the start of the program to its end.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::Failure;
use super::rig::{ACCOUNT, CREDENTIAL, Rig};
use super::sample::Sample;
use super::table::{Goal, Table};

const ROUNDS: usize = 20;

/// `oathbridgectl code` against `ykman oath accounts code -s`.
pub(crate) async fn whole(rig: &Rig, table: &mut Table) -> Result<(), Failure> {
    let mut theirs = rig.command(&testkit::ykman::ykman()?);
    theirs.args(["--reader", &rig.reader(), "oath", "accounts", "code", "-s", CREDENTIAL]);
    let mut ours = rig.program("oathbridgectl");
    ours.args(["code", ACCOUNT]);
    let _daemon = rig.started("state").await?;
    let (mut our_times, mut their_times) = (Sample::default(), Sample::default());
    // The first round warms up.
    for round in 0..=ROUNDS {
        let times = (time(&mut ours)?, time(&mut theirs)?);
        if round > 0 {
            our_times.add_time(times.0);
            their_times.add_time(times.1);
        }
    }
    let what = "oathbridgectl code, against ykman oath accounts code -s; whole processes";
    table.outrun(what, "ms", &our_times, &their_times, Goal::AtLeast(20.0));
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
