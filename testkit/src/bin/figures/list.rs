//! Measures a list of credentials on the command line, from the start of the program to its end.

use std::fmt::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::Failure;
use super::builds::Builds;
use super::caller::{NAME, ROOT};
use super::rig::{ACCOUNT, Rig, Running};
use super::sample::Sample;
use super::table::{Goal, Table};

/// The number of credentials, and of lists from each program.
const CREDENTIALS: usize = 64;
const ROUNDS: usize = 40;

/// One side: a daemon, and the two programs that ask it.
struct Side {
    tool: Command,
    busctl: Command,
    _daemon: Running,
    _rig: Rig,
}

/// Compares `oathbridgectl list` with a bare `busctl call` of `GetManagedObjects`, at the same daemon.
pub(crate) async fn whole(builds: &Builds, table: &mut Table) -> Result<(), Failure> {
    let mut sides = Vec::new();
    for rig in builds.rigs().await? {
        sides.push(Side::start(rig).await?);
    }
    let mut ours: Vec<Sample> = sides.iter().map(|_| Sample::default()).collect();
    let mut bare = Sample::default();
    // The first round is not counted, because it loads the programs into memory.
    for round in 0..=ROUNDS {
        for (index, (side, times)) in sides.iter_mut().zip(&mut ours).enumerate() {
            let (tool, busctl) = (time(&mut side.tool)?, time(&mut side.busctl)?);
            if round > 0 {
                times.add_time(tool);
            }
            if round > 0 && index == 0 {
                bare.add_time(busctl);
            }
        }
    }
    let what = "oathbridgectl list, 64 credentials, to busctl GetManagedObjects";
    table.compare(what, "ms", &ours, &bare, Goal::AtMost(1.5));
    Ok(())
}

impl Side {
    async fn start(rig: Rig) -> Result<Self, Failure> {
        let argument = rig.add_token(&token()?, "")?;
        let daemon = Running::new(rig.daemon("state").arg(argument))?;
        rig.until_read().await?;
        let mut tool = rig.program("oathbridgectl");
        tool.arg("list");
        let mut busctl = rig.command("busctl".as_ref());
        let address = format!("--address={}", rig.address());
        let interface = "org.freedesktop.DBus.ObjectManager";
        busctl.args([&address, "call", NAME, ROOT, interface, "GetManagedObjects"]);
        Ok(Self { tool, busctl, _daemon: daemon, _rig: rig })
    }
}

/// A token with as many credentials as a YubiKey 5.7 holds.
fn token() -> Result<String, Failure> {
    let mut token = "[[token]]\nserial = 31415926\nfirmware = '5.7.1'\n".to_owned();
    for number in 1..=CREDENTIALS {
        let account =
            if number == CREDENTIALS { ACCOUNT.to_owned() } else { format!("user-{number}@example.com") };
        let seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
        writeln!(
            token,
            "[[token.credential]]\nissuer = 'Issuer {number}'\naccount = '{account}'\nseed = '{seed}'"
        )?;
    }
    Ok(token)
}

fn time(command: &mut Command) -> Result<Duration, Failure> {
    let start = Instant::now();
    let output = command.stdout(Stdio::piped()).output()?;
    let time = start.elapsed();
    // Both print each account once or more.
    let shown = String::from_utf8(output.stdout)?.matches("@example.com").count();
    if output.status.success() && shown >= CREDENTIALS {
        Ok(time)
    } else {
        Err(format!("{command:?} prints no list").into())
    }
}
