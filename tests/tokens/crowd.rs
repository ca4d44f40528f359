//! More devices than the daemon uses: each transport has places of its own, and a place that frees is used.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use oathbridge::clock::SystemClock;
use oathbridge::registry::{Registry, Snapshot};
use oathbridge::token::Identities;
use oathbridge::virt::{self, VirtualTransport};
use tokio::sync::watch;

/// A generous timeout that only a failure reaches.
const TIMEOUT: Duration = Duration::from_secs(60);

fn transport(serials: std::ops::Range<u32>) -> Arc<VirtualTransport> {
    let mut tokens = String::new();
    for serial in serials {
        write!(tokens, "[[token]]\nserial = {serial}\n").unwrap();
    }
    Arc::new(VirtualTransport::new(&virt::parse(&tokens).unwrap()))
}

async fn until_there_are(snapshots: &mut watch::Receiver<Arc<Snapshot>>, count: usize) {
    let settled = |now: &Arc<Snapshot>| now.settled && now.tokens.len() == count;
    let waiting = tokio::time::timeout(TIMEOUT, snapshots.wait_for(settled)).await;
    assert!(waiting.is_ok(), "there are not {count} tokens");
}

#[tokio::test]
async fn a_crowded_transport_keeps_no_other_one_out_and_its_free_places_are_used() {
    let state = tempfile::tempdir().unwrap();
    let (crowd, other) = (transport(1..71), transport(101..102));
    let identities = Identities::new(state.path().join("state"));
    let transports = vec![crowd.clone() as _, other as _];
    let (registry, watch) = Registry::new(transports, Arc::new(SystemClock::new()), identities);
    for task in watch.start().unwrap() {
        tokio::spawn(task.into_work());
    }
    let mut snapshots = registry.subscribe();
    until_there_are(&mut snapshots, 33).await;
    let ids = || -> Vec<_> { registry.now().tokens.keys().cloned().collect() };
    let before = ids();
    crowd.token(1).unwrap().unplug();
    let changed = |now: &Arc<Snapshot>| now.settled && now.tokens.len() == 33;
    let others = |now: &Arc<Snapshot>| now.tokens.keys().any(|id| !before.contains(id));
    let waiting = snapshots.wait_for(|now| changed(now) && others(now));
    tokio::time::timeout(TIMEOUT, waiting).await.unwrap().unwrap();
}
