//! Measures `Calculate` over D-Bus, compared with a bare service that makes the same PC/SC calls, and with a program without a
//! bus.

use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{ChildStdin, ChildStdout, Stdio};
use std::time::{Duration, Instant};

use zbus::OwnedObjectPath;
use zbus::fdo::DBusProxy;

use super::Failure;
use super::builds::Builds;
use super::caller::{NAME, ROOT};
use super::rig::{BARE_NAME, CREDENTIAL, Rig, Running};
use super::sample::Sample;
use super::table::{Goal, Table};

/// The number of codes that one program calculates before the next program does.
const CODES_PER_BATCH: usize = 10;

/// The number of commands for one code: SELECT and CALCULATE.
const COMMANDS_PER_CODE: usize = 2;

/// With a card that responds at once, which shows the overhead of the daemon.
pub(crate) async fn without_delay(builds: &Builds, table: &mut Table) -> Result<(), Failure> {
    let times = measure(builds, Duration::ZERO, 50).await?;
    let (ours, service, program) = (&times.daemons, &times.service, &times.program);
    table.compare(
        "Calculate, to a bare service with the same PC/SC calls",
        "ms",
        ours,
        service,
        Goal::AtMost(1.3),
    );
    table.compare("Calculate, to a bare program without a bus", "ms", ours, program, Goal::AtMost(2.3));
    Ok(())
}

/// With a card that needs 4 ms for each command; a YubiKey needs 6 to 10 ms.
pub(crate) async fn with_delay(builds: &Builds, table: &mut Table) -> Result<(), Failure> {
    let times = measure(builds, Duration::from_millis(4), 20).await?;
    let what = "Calculate, 4 ms for an APDU, to a bare service";
    table.compare(what, "ms", &times.daemons, &times.service, Goal::AtMost(1.04));
    let what = "Calculate, 4 ms for an APDU, to a bare program without a bus";
    table.compare(what, "ms", &times.daemons, &times.program, Goal::AtMost(1.04));
    Ok(())
}

#[derive(Default)]
struct Times {
    daemons: Vec<Sample>,
    service: Sample,
    program: Sample,
}

async fn measure(builds: &Builds, delay: Duration, batches: usize) -> Result<Times, Failure> {
    let mut daemons = Vec::new();
    for rig in builds.rigs().await? {
        daemons.push(Service::daemon(rig).await?);
    }
    let service = Service::bare(builds.bare().await?).await?;
    let mut program = Program::start(builds.bare().await?)?;
    for rig in daemons.iter().map(|daemon| &daemon.rig).chain([&service.rig, &program.rig]) {
        rig.card.set_delay(delay);
    }
    let mut times = Times::default();
    times.daemons.resize_with(daemons.len(), Sample::default);
    // The first batch is not counted: it powers the cards and loads the programs into memory.
    for batch in 0..=batches {
        let mut unused = Times::default();
        unused.daemons.resize_with(daemons.len(), Sample::default);
        let times = if batch == 0 { &mut unused } else { &mut times };
        for (daemon, sample) in daemons.iter().zip(&mut times.daemons) {
            daemon.codes(sample).await?;
        }
        service.codes(&mut times.service).await?;
        program.codes(&mut times.program)?;
        if batch == 0 {
            check_commands(daemons.iter().chain([&service]).map(|service| &service.rig), &program.rig)?;
        }
    }
    Ok(times)
}

/// Checks that all programs send the same commands to their cards.
fn check_commands<'a>(services: impl Iterator<Item = &'a Rig>, program: &Rig) -> Result<(), Failure> {
    let sent = |rig: &Rig| {
        let log = rig.card.log();
        log.split_at(log.len().saturating_sub(CODES_PER_BATCH * COMMANDS_PER_CODE)).1.to_vec()
    };
    let expected = sent(program);
    for rig in services {
        if sent(rig) != expected {
            return Err(format!("the programs do not send the same commands: {:02x?}", sent(rig)).into());
        }
    }
    Ok(())
}

/// A running service with a credential.
struct Service {
    _running: Running,
    name: &'static str,
    path: OwnedObjectPath,
    rig: Rig,
}

impl Service {
    async fn daemon(rig: Rig) -> Result<Self, Failure> {
        let running = rig.started("state").await?;
        let path = rig.credential().await?;
        Ok(Self { _running: running, name: NAME, path, rig })
    }

    async fn bare(rig: Rig) -> Result<Self, Failure> {
        let path = OwnedObjectPath::try_from(format!("{}/credentials/bare_0", ROOT))?;
        let mut command = rig.program("bare-service");
        let running = Running::new(command.args([BARE_NAME, path.as_str(), &rig.reader(), CREDENTIAL]))?;
        let bus = DBusProxy::new(&rig.connection).await?;
        while !bus.name_has_owner(BARE_NAME.try_into()?).await? {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(Self { _running: running, name: BARE_NAME, path, rig })
    }

    async fn codes(&self, times: &mut Sample) -> Result<(), Failure> {
        for _ in 0..CODES_PER_BATCH {
            let start = Instant::now();
            self.rig.calculate(self.name, &self.path).await?;
            times.add_time(start.elapsed());
        }
        Ok(())
    }
}

/// The running program without a bus, and its pipes.
struct Program {
    _running: Running,
    requests: ChildStdin,
    times: Lines<BufReader<ChildStdout>>,
    rig: Rig,
}

impl Program {
    fn start(rig: Rig) -> Result<Self, Failure> {
        let mut command = rig.program("bare-pcsc");
        command.args([&rig.reader(), CREDENTIAL]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut running = Running::new(&mut command)?;
        let requests = running.0.stdin.take().ok_or("no standard input")?;
        let times = BufReader::new(running.0.stdout.take().ok_or("no standard output")?).lines();
        Ok(Self { _running: running, requests, times, rig })
    }

    fn codes(&mut self, times: &mut Sample) -> Result<(), Failure> {
        writeln!(self.requests, "{CODES_PER_BATCH}")?;
        for _ in 0..CODES_PER_BATCH {
            let time = self.times.next().ok_or("bare-pcsc ended")??;
            times.add_time(Duration::from_nanos(time.parse()?));
        }
        Ok(())
    }
}
