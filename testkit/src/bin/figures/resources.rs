//! Measures the memory and the wake-ups of the idle daemon, and the memory after a submission.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use super::Failure;
use super::builds::Builds;
use super::rig::Running;
use super::sample::Sample;
use super::table::{Goal, Table};

/// The number of daemons whose memory is measured.
const ROUNDS: usize = 5;

/// The time after a change until the daemon has finished its scans of the readers.
const SETTLING_TIME: Duration = Duration::from_secs(3);

/// Measures the memory of daemons that did not know the token before, in millions of bytes.
pub(crate) async fn memory(builds: &Builds, table: &mut Table) -> Result<(), Failure> {
    let rigs = builds.rigs().await?;
    let mut samples = [(); 3].map(|()| Vec::from_iter(rigs.iter().map(|_| Sample::default())));
    let [resident, private, after] = &mut samples;
    for round in 0..ROUNDS {
        let user = format!("user{round}");
        let sides = rigs.iter().zip(resident.iter_mut()).zip(private.iter_mut()).zip(after.iter_mut());
        for (((rig, resident), private), after) in sides {
            let token = rig.fake.ready_user(&user, &rig.seed)?.access_token;
            let daemon = rig.started(&user).await?;
            tokio::time::sleep(SETTLING_TIME).await;
            resident.add(megabytes(&daemon, "VmRSS:")?);
            private.add(megabytes(&daemon, "RssAnon:")?);
            rig.verify(&rig.credential().await?, &token).await?;
            after.add(megabytes(&daemon, "VmRSS:")?);
        }
    }
    table.single("idle: resident memory", "MB", resident, Goal::AtMost(8.0));
    table.single("idle: private memory", "MB", private, Goal::AtMost(0.9));
    table.single("after a submission: resident memory", "MB", after, Goal::AtMost(16.0));
    Ok(())
}

/// Counts the voluntary context switches of all threads. Each one follows a wake-up.
pub(crate) async fn idle(builds: &Builds, table: &mut Table, time: Duration) -> Result<(), Failure> {
    let rigs = builds.rigs().await?;
    let mut daemons = Vec::new();
    for rig in &rigs {
        daemons.push(rig.started("state").await?);
    }
    tokio::time::sleep(SETTLING_TIME).await;
    let before: Vec<_> = daemons.iter().map(switches).collect::<Result<_, _>>()?;
    if before.iter().any(|switches| switches.values().sum::<u64>() == 0) {
        return Err("this kernel doesn't count context switches".into());
    }
    tokio::time::sleep(time).await;
    let mut samples = Vec::new();
    for (daemon, before) in daemons.iter().zip(&before) {
        let now = switches(daemon)?;
        let switched =
            now.iter().map(|(thread, count)| count - before.get(thread).copied().unwrap_or_default());
        samples.push(Sample::from(switched.sum::<u64>() as f64));
    }
    let what = format!("idle: voluntary context switches of all threads in {} s", time.as_secs());
    table.single(&what, "switches", &samples, Goal::AtMost(10.0));
    Ok(())
}

fn megabytes(daemon: &Running, name: &str) -> Result<f64, Failure> {
    let kibibytes = field(&Path::new("/proc").join(daemon.0.id().to_string()), name)?;
    Ok(kibibytes as f64 * 1024.0 / 1e6)
}

/// The voluntary context switches, by thread.
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
    let value = status.lines().find_map(|line| line.strip_prefix(name));
    let value = value.ok_or_else(|| format!("the kernel has no {name}"))?;
    Ok(value.split_whitespace().next().unwrap_or_default().parse()?)
}
