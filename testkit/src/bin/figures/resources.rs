//! What the daemon takes when nobody wants anything, and what remains after a submission.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use super::Failure;
use super::rig::{Rig, Running};
use super::sample::Sample;
use super::table::{Goal, Table};

const ROUNDS: usize = 5;

/// After a change, the readers are looked at once more; then it is quiet.
const QUIET: Duration = Duration::from_secs(3);

/// Resident memory of daemons that know nothing of the card yet, in millions of bytes.
pub(crate) async fn memory(rig: &Rig, table: &mut Table) -> Result<(), Failure> {
    let (mut idle, mut after_verify) = (Sample::default(), Sample::default());
    for round in 0..ROUNDS {
        let user = format!("user{round}");
        let token = rig.fake.ready_user(&user, &rig.seed)?.access_token;
        let daemon = rig.started(&user).await?;
        tokio::time::sleep(QUIET).await;
        idle.add(resident(&daemon)?);
        rig.verify(&rig.credential().await?, &token).await?;
        after_verify.add(resident(&daemon)?);
    }
    table.single("Resident memory, idle", "MB", &idle, Goal::AtMost(10.0));
    table.single("Resident memory after a submission", "MB", &after_verify, Goal::AtMost(16.0));
    Ok(())
}

/// How often any of its threads went to sleep by itself, which it has to be woken for first.
pub(crate) async fn idle(rig: &Rig, table: &mut Table, time: Duration) -> Result<(), Failure> {
    let daemon = rig.started("state").await?;
    tokio::time::sleep(QUIET).await;
    let before = switches(&daemon)?;
    if before.values().sum::<u64>() == 0 {
        return Err("this kernel doesn't count context switches".into());
    }
    tokio::time::sleep(time).await;
    let mut sample = Sample::default();
    let switched: u64 = switches(&daemon)?
        .into_iter()
        .map(|(thread, count)| count - before.get(&thread).copied().unwrap_or_default())
        .sum();
    sample.add(switched as f64);
    let what =
        format!("Voluntary context switches of {} threads in {} idle seconds", before.len(), time.as_secs());
    table.single(&what, "switches", &sample, Goal::AtMost(10.0));
    Ok(())
}

fn resident(daemon: &Running) -> Result<f64, Failure> {
    let kibibytes = field(&Path::new("/proc").join(daemon.0.id().to_string()), "VmRSS:")?;
    Ok(kibibytes as f64 * 1024.0 / 1e6)
}

/// By thread.
fn switches(daemon: &Running) -> Result<BTreeMap<String, u64>, Failure> {
    let threads = fs::read_dir(format!("/proc/{}/task", daemon.0.id()))?;
    let count = |thread: std::io::Result<fs::DirEntry>| {
        let thread = thread?;
        let name = thread.file_name().to_string_lossy().into_owned();
        Ok((name, field(&thread.path(), "voluntary_ctxt_switches:")?))
    };
    threads.map(count).collect()
}

fn field(process: &Path, name: &str) -> Result<u64, Failure> {
    let status = fs::read_to_string(process.join("status"))?;
    let value = status.lines().find_map(|line| line.strip_prefix(name)).ok_or("the kernel doesn't tell")?;
    Ok(value.split_whitespace().next().unwrap_or_default().parse()?)
}
