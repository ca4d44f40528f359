//! Measures `Calculate` with keys over HID, compared with a bare loop over the same reports of a key in this process.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use oathbridge::virt::{self, VirtualToken};
use testkit::bare_hid::{Channel, otp_code};
use zbus::OwnedObjectPath;

use super::Failure;
use super::builds::Builds;
use super::caller::NAME;
use super::rig::{ACCOUNT, CREDENTIAL, Rig, Running};
use super::sample::Sample;
use super::table::{Goal, Table};

/// The number of codes that one side calculates before the other side does, and the number of such batches.
const CODES_PER_BATCH: usize = 10;
const BATCHES: usize = 20;

/// The keys. The loop of their firmware takes 5 ms, and each report waits for a pass of it.
const NITROKEY: &str = "[[token]]
serial = 16909060
model = 'nitrokey-3'
report-delay-ms = 5
touch = 'never'
credential = [{ issuer = 'AWS Cognito', account = 'alice@example.com', seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' }]
";
const YUBIKEY: &str = "[[token]]
serial = 7050602
report-delay-ms = 5
touch = 'never'
otp-slot = [{ slot = 1, seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' }]
";
const SLOT: &str = "[[hid.otp_slot]]
serial = 7050602
slot = 1
issuer = 'AWS Cognito'
account = 'alice@example.com'
";

/// A key with 5 ms for a report, as one side in each of the two families.
pub(crate) async fn calculate(builds: &Builds, table: &mut Table) -> Result<(), Failure> {
    let mut key = key(NITROKEY)?.fido().ok_or("the key has no FIDO interface")?;
    let mut channel = Channel::allocate(&mut key)?;
    let bare = move || channel.code(CREDENTIAL);
    compare(builds, table, "Calculate, Nitrokey 3, 5 ms, to bare reports", (NITROKEY, ""), bare).await?;

    let mut key = self::key(YUBIKEY)?.keyboard().ok_or("the key has no keyboard interface")?;
    let bare = move || otp_code(&mut key, 1);
    compare(builds, table, "Calculate, OTP slot, 5 ms, to bare reports", (YUBIKEY, SLOT), bare).await
}

async fn compare(
    builds: &Builds,
    table: &mut Table,
    what: &str,
    (token, slot): (&str, &str),
    mut bare: impl FnMut() -> io::Result<String>,
) -> Result<(), Failure> {
    let mut daemons = Vec::new();
    for folder in builds.daemons() {
        daemons.push(Daemon::start(folder, token, slot).await?);
    }
    let mut ours: Vec<Sample> = daemons.iter().map(|_| Sample::default()).collect();
    let mut theirs = Sample::default();
    for _ in 0..BATCHES {
        for (daemon, sample) in daemons.iter().zip(&mut ours) {
            for _ in 0..CODES_PER_BATCH {
                let start = Instant::now();
                daemon.rig.calculate(NAME, &daemon.path).await?;
                sample.add_time(start.elapsed());
            }
        }
        for _ in 0..CODES_PER_BATCH {
            let start = Instant::now();
            bare()?;
            theirs.add_time(start.elapsed());
        }
    }
    table.compare(what, "ms", &ours, &theirs, Goal::AtMost(1.05));
    Ok(())
}

/// A daemon with one virtual key and no smart cards.
struct Daemon {
    _running: Running,
    path: OwnedObjectPath,
    rig: Rig,
}

impl Daemon {
    async fn start(programs: &Path, token: &str, slot: &str) -> Result<Self, Failure> {
        let rig = Rig::new(programs).await?;
        let mut command = rig.daemon("state");
        command.arg(rig.add_token(token, slot)?);
        let running = Running::new(&mut command)?;
        for _ in 0..500 {
            if let Ok(path) = rig.credential().await {
                return Ok(Self { _running: running, path, rig });
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Err(format!("the daemon doesn't show the credential of {ACCOUNT}").into())
    }
}

fn key(token: &str) -> Result<VirtualToken, Failure> {
    let spec = virt::parse(token)?.into_iter().next().ok_or("there is no token")?;
    Ok(VirtualToken::new(&spec))
}
