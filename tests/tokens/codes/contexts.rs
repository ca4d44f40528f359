//! The contexts and threads that the daemon uses in the smart card service.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use testkit::scenario::Scenario;

use super::Bench;

/// The number of checks until pcscd must have noticed that a client has gone, and their interval.
const MAX_CHECKS: usize = 1_200;
const CHECK_INTERVAL: Duration = Duration::from_millis(50);

/// The sockets of a process, by their inodes: each context of a client is one of pcscd's.
fn sockets(process: u32) -> BTreeSet<PathBuf> {
    let descriptors = fs::read_dir(format!("/proc/{process}/fd")).unwrap();
    let targets = descriptors.filter_map(|descriptor| fs::read_link(descriptor.unwrap().path()).ok());
    targets.filter(|target| target.to_string_lossy().starts_with("socket:")).collect()
}

/// One context waits for changes, and all requests to a token use another one.
#[testkit::test]
async fn requests_to_a_token_use_one_context_again() {
    let mut bench = Bench::of(Scenario::program(super::DAEMON), "", "").await;
    let pcscd = bench.world.pcscd().unwrap().id().unwrap();
    let alice = bench.credential("alice").await;
    bench.client().calculate(&alice, [].into()).await.unwrap();
    let before = sockets(pcscd);
    for _ in 0..3 {
        bench.client().calculate(&alice, [].into()).await.unwrap();
        assert_eq!(sockets(pcscd), before, "a request has made a context");
    }
    bench.world.end_daemon().await.unwrap();
    for _ in 0..MAX_CHECKS {
        if sockets(pcscd).len() + 2 == before.len() {
            return;
        }
        tokio::time::sleep(CHECK_INTERVAL).await;
    }
    panic!("the daemon had other contexts than these two: {before:?} {:?}", sockets(pcscd));
}

/// The context of a service that was restarted is of no use any more.
#[testkit::test]
async fn a_restarted_service_gets_a_new_context() {
    let mut bench = Bench::of(Scenario::program(super::DAEMON), "", "").await;
    let alice = bench.credential("alice").await;
    bench.client().calculate(&alice, [].into()).await.unwrap();
    for _ in 0..2 {
        bench.world.pcscd().unwrap().restart().unwrap();
        let options = [("wait-for-token", true.into())].into();
        bench.client().calculate(&alice, options).await.unwrap();
    }
}
