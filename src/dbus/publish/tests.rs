//! Tokens that come and go, through the registry and the object tree, on a connection without a bus.

use std::collections::BTreeSet;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use testkit::own_process;
use tokio::task::JoinSet;
use zbus::connection::Builder;
use zbus::{Connection, Guid, fdo};

use super::tree;
use crate::clock::{Clock, ManualClock};
use crate::config::Files;
use crate::dbus::bridge::Bridge;
use crate::dbus::names;
use crate::dbus::objects::ManagerObject;
use crate::device::{
    Attachment, Device, DeviceId, Error, Opened, Presence, Progress, Transaction, Transport,
};
use crate::flows::Flows;
use crate::iso7816::{Command, Response};
use crate::operations::Operations;
use crate::registry::{Registry, State};
use crate::sync::IgnorePoison;
use crate::token::Identities;

/// The variable with the number of insertions; `scripts/accept/plug` sets it.
const CYCLES: &str = "OATHBRIDGE_PLUG_CYCLES";
const DEFAULT_CYCLES: u32 = 300;

/// The insertions before the first measurement, which fill what has a bounded size.
const WARM_UP: u32 = 100;

/// The number of different tokens.
const TOKENS: u32 = 40;

/// The growth that the allocator and the file of known tokens explain, in KiB.
const MAX_GROWTH: u64 = 4_096;

/// Tokens that are inserted in turn, each with one credential.
#[derive(Default)]
struct NewTokens {
    next: Mutex<Option<Receiver<Vec<u32>>>>,
}

impl NewTokens {
    /// The transport, and the sender of the numbers of the attached insertions.
    fn new() -> (Arc<Self>, SyncSender<Vec<u32>>) {
        let (sender, receiver) = sync_channel(1);
        (Arc::new(Self { next: Mutex::new(Some(receiver)) }), sender)
    }
}

impl Transport for NewTokens {
    fn name(&self) -> &'static str {
        "new"
    }

    fn watch(&self, report: &mut dyn FnMut(Presence) -> bool) {
        let Some(next) = self.next.lock().ignore_poison().take() else { return };
        report(Presence::default());
        while let Ok(insertions) = next.recv() {
            let attachment = |insertion| Attachment {
                id: DeviceId { name: "reader".into(), insertion },
                is_virtual: true,
                reader: Some("reader".into()),
                usb: None,
                atr: Vec::new(),
            };
            report(Presence {
                devices: insertions.into_iter().map(attachment).collect(),
                problems: BTreeSet::new(),
            });
        }
    }

    fn stop(&self) {}

    fn open(&self, device: &DeviceId) -> Result<Opened, Error> {
        Ok(Opened::Apdu(Box::new(Card(device.insertion))))
    }
}

#[derive(Clone, Copy)]
struct Card(u32);

impl Device for Card {
    fn transaction(&mut self) -> Result<Box<dyn Transaction + '_>, Error> {
        Ok(Box::new(*self))
    }
}

impl Transaction for Card {
    fn transmit(&mut self, command: &Command, _: &dyn Progress) -> Result<Response, Error> {
        let bytes = command.to_bytes();
        let answer = match bytes.as_slice() {
            [_, 0xa4, 0x04, ..] => {
                let salt = u64::from(self.0 % TOKENS).to_be_bytes();
                [&[0x79, 3, 5, 4, 3, 0x71, 8], &salt[..], &[0x90, 0]].concat()
            }
            [_, 0xa1, ..] => [&[0x72, 6, 0x21], &b"alice"[..], &[0x90, 0]].concat(),
            _ => vec![0x6d, 0],
        };
        Response::from_bytes(&answer).map_err(|_| Error::Removed)
    }
}

/// The tree on a connection without a bus, and the client at its other end.
struct World {
    bridge: Arc<Bridge>,
    client: Connection,
    _server: Connection,
    _tasks: JoinSet<()>,
    _state: tempfile::TempDir,
}

impl World {
    async fn new(transport: Arc<NewTokens>) -> Self {
        let state = tempfile::tempdir().unwrap();
        let folder = state.path().join("state");
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(Duration::from_secs(1_800_000_000)));
        let identities = Identities::new(folder.clone());
        let (registry, watch) = Registry::new(vec![transport], Arc::clone(&clock), identities);
        let flows = Flows::new(registry, folder, Arc::clone(&clock)).unwrap();
        let bridge = Bridge::new(flows, Operations::new(clock).0, Files::default());
        let (one, other) = UnixStream::pair().unwrap();
        let server = Builder::unix_stream(one)
            .server(Guid::generate())
            .p2p()
            .serve_at(names::ROOT, fdo::ObjectManager)
            .serve_at(names::ROOT, ManagerObject { bridge: Arc::clone(&bridge) });
        let client = Builder::unix_stream(other).p2p();
        let (server, client) = tokio::try_join!(server.build(), client.build()).unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(tree::run(server.clone(), Arc::clone(&bridge)));
        for task in watch.start().unwrap() {
            tasks.spawn(task.into_work());
        }
        Self { bridge, client, _server: server, _tasks: tasks, _state: state }
    }

    /// Waits until the tree shows so many tokens, all of which are read.
    async fn until(&self, tokens: usize) {
        let mut snapshots = self.bridge.flows.registry().subscribe();
        let shown = snapshots.wait_for(|snapshot| {
            let ready = snapshot.tokens.values().filter(|token| token.state == State::Ready).count();
            snapshot.settled && [snapshot.tokens.len(), ready] == [tokens; 2]
        });
        drop(shown.await.unwrap());
        self.bridge.caught_up().await;
    }

    /// The number of objects that the client sees.
    async fn objects(&self) -> usize {
        let call = self.client.call_method(
            None::<&str>,
            names::ROOT,
            Some("org.freedesktop.DBus.ObjectManager"),
            "GetManagedObjects",
            &(),
        );
        let reply = call.await.unwrap();
        let objects: fdo::ManagedObjects = reply.body().deserialize().unwrap();
        objects.len()
    }
}

/// The resident memory in KiB, and the number of threads.
fn resources() -> (u64, u64) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let number = |key| {
        let line = status.lines().find_map(|line: &str| line.strip_prefix(key)).unwrap();
        line.split_whitespace().next().unwrap().parse().unwrap()
    };
    (number("VmRSS:"), number("Threads:"))
}

/// Each device has a thread.
#[tokio::test]
async fn more_devices_than_any_desktop_has_are_ignored_until_others_leave() {
    let (transport, insertions) = NewTokens::new();
    let world = World::new(transport).await;
    let all: Vec<u32> = (0..100).collect();
    insertions.send(all.clone()).unwrap();
    world.until(32).await;
    insertions.send(all[80..].to_vec()).unwrap();
    world.until(20).await;
}

#[test]
fn tokens_that_come_and_go_leave_nothing() {
    own_process::run("dbus::publish::tests::plug_cycles").unwrap();
}

#[tokio::test]
#[ignore = "run by tokens_that_come_and_go_leave_nothing, whose process has no other test"]
async fn plug_cycles() {
    let cycles = std::env::var(CYCLES).map_or(DEFAULT_CYCLES, |cycles| cycles.parse().unwrap());
    let (transport, insertions) = NewTokens::new();
    let world = World::new(transport).await;
    world.until(0).await;
    let (empty, mut before) = (world.objects().await, (0, 0));
    for cycle in 0..cycles {
        insertions.send(vec![cycle]).unwrap();
        world.until(1).await;
        insertions.send(Vec::new()).unwrap();
        world.until(0).await;
        if cycle % 100 == 0 {
            assert_eq!(world.objects().await, empty);
        }
        if cycle == WARM_UP {
            before = resources();
        }
    }
    assert_eq!(world.objects().await, empty);
    // On a busy computer the threads of the last tokens are still ending.
    let ended = async {
        while resources().1 > before.1 + 1 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    // Too many threads are a failure below.
    let _ = tokio::time::timeout(Duration::from_secs(30), ended).await;
    let (memory, threads) = resources();
    println!(
        "{cycles} insertions: {} KiB, then {memory} KiB; {} threads, then {threads}",
        before.0, before.1
    );
    assert!(memory <= before.0 + MAX_GROWTH, "{} KiB have become {memory} KiB", before.0);
    assert!(threads <= before.1 + 1, "{} threads have become {threads}", before.1);
}
