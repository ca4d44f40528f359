//! Much of everything, and nothing is left over: descriptors, threads and memory come back to what they were.
//!
//! The parts of the daemon run here on the virtual transport, which plugs thousands of times in seconds; pcscd looks
//! for cards 2.5 times a second, so through it there are a few rounds, with the daemon itself.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

use std::fmt::Write;
use std::fs;
use std::sync::Arc;
use std::time::Duration;

use oathbridge::clock::{Clock, SystemClock};
use oathbridge::flows::{CodeRequest, Flows, Query};
use oathbridge::operations::{Cancellation, Kind, Operation, Operations, Request, Requester};
use oathbridge::registry::{Registry, State};
use oathbridge::token::Identities;
use oathbridge::virt::{self, Card, Fault, VirtualTransport};
use testkit::client::Event;
use testkit::rig::Rig;

const DAEMON: &str = env!("CARGO_BIN_EXE_oathbridged");

/// Cards that stop answering.
const HANGING: u32 = 50;

/// Long enough for any machine; only a failure takes it.
const SOON: Duration = Duration::from_secs(60);

struct World {
    flows: Flows,
    operations: Operations,
    transport: Arc<VirtualTransport>,
    _state: tempfile::TempDir,
}

impl World {
    async fn new() -> Self {
        let mut tokens = String::new();
        for serial in 0..=HANGING {
            writeln!(
                tokens,
                "[[token]]\nserial = {}\n[[token.credential]]\naccount = 'plain'\nseed = 'GEZDGNBVGY3TQOJQ'\n\
                 [[token.credential]]\naccount = 'touched'\nseed = 'GEZDGNBVGY3TQOJQ'\ntouch = true",
                1_000_000 + serial
            )
            .unwrap();
        }
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let transport = Arc::new(VirtualTransport::new(&virt::parse(&tokens).unwrap()));
        for serial in 1..=HANGING {
            transport.card(1_000_000 + serial).unwrap().unplug();
        }
        let state = tempfile::tempdir().unwrap();
        let identities = Identities::new(state.path().to_owned());
        let (registry, watch) = Registry::new(vec![transport.clone()], clock.clone(), identities);
        watch.start().unwrap();
        let flows = Flows::new(registry, state.path().to_owned(), clock.clone()).unwrap();
        let (operations, mut events) = Operations::new(clock);
        tokio::spawn(async move { while events.recv().await.is_some() {} });
        let world = Self { flows, operations, transport, _state: state };
        world.until_ready(1).await;
        world
    }

    fn card(&self, number: u32) -> Card {
        self.transport.card(1_000_000 + number).unwrap()
    }

    async fn until_ready(&self, count: usize) {
        self.until(|states| states.iter().filter(|state| **state == State::Ready).count() == count).await;
    }

    async fn until(&self, fits: impl Fn(&[State]) -> bool) {
        let mut snapshots = self.flows.registry().subscribe();
        let fits = snapshots.wait_for(|snapshot| {
            fits(&snapshot.tokens.values().map(|token| token.state.clone()).collect::<Vec<_>>())
        });
        tokio::time::timeout(SOON, fits).await.unwrap().unwrap();
    }

    fn begin(&self) -> Operation {
        let request = Request {
            kind: Kind::Calculate,
            caller: ":1.1".to_owned(),
            requester: Requester { kind: "unknown".to_owned(), name: String::new() },
            handle: None,
            credential: None,
            token: None,
            interactive: true,
            own_prompt: false,
            wait_for_token: false,
            deadline: self.flows.deadline(Duration::from_secs(60)),
        };
        self.operations.begin(request).unwrap()
    }

    fn credentials(&self, account: &str) -> Vec<CodeRequest> {
        let query = Query { account: Some(account.to_owned()), ..Query::default() };
        let (found, _) = query.run(&self.flows.registry().now());
        let request = |id| CodeRequest {
            credential: id,
            next: false,
            min_validity: Duration::ZERO,
            claim: false,
            advance_counter: false,
        };
        found.into_iter().map(|found| request(found.id)).collect()
    }

    async fn plug(&self, cycles: usize) {
        let card = self.card(0);
        for _ in 0..cycles {
            card.unplug();
            self.until(<[State]>::is_empty).await;
            card.plug();
            self.until_ready(1).await;
        }
    }

    async fn calculate(&self, count: usize) {
        let request = self.credentials("plain").swap_remove(0);
        for _ in 0..count {
            let operation = self.begin();
            self.flows.code(&request, &operation).await.unwrap();
            operation.end(oathbridge::operations::State::Done);
            operation.forget();
        }
    }

    async fn cancel(&self, count: usize) {
        let (request, card) = (self.credentials("touched").swap_remove(0), self.card(0));
        card.set_touch_timeout(Duration::from_millis(1));
        for number in 0..count {
            let operation = self.begin();
            let code = self.flows.code(&request, &operation);
            let cancel = async {
                // Now before it began, now while the token waits.
                for _ in 0..number % 4 {
                    tokio::task::yield_now().await;
                }
                operation.cancel(Cancellation::Caller);
                operation.cancelled().await
            };
            tokio::select! {
                _ = code => {}
                _ = cancel => {}
            }
            operation.end(oathbridge::operations::State::Cancelled);
            operation.forget();
        }
    }

    /// All at once, so that their patience runs out together.
    async fn hang(&self) {
        for number in 1..=HANGING {
            self.card(number).plug();
        }
        self.until_ready(HANGING as usize + 1).await;
        for number in 1..=HANGING {
            self.card(number).fail_next(Fault::Hang);
        }
        let own = self.credentials("plain").into_iter();
        let calls = own.map(|request| async move {
            let operation = self.begin();
            let result = self.flows.code(&request, &operation).await;
            operation.end(oathbridge::operations::State::Failed);
            operation.forget();
            result.is_err()
        });
        let failed = futures_util::future::join_all(calls).await;
        assert_eq!(failed.iter().filter(|failed| **failed).count(), HANGING as usize);
        for number in 1..=HANGING {
            self.card(number).unplug();
        }
        self.until_ready(1).await;
    }
}

/// Descriptors, threads, and resident memory in KiB.
fn resources(process: u32) -> (usize, usize, usize) {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let number = |key: &str| {
        let line = status.lines().find(|line| line.starts_with(key)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap()
    };
    let descriptors = fs::read_dir(format!("/proc/{process}/fd")).map_or(0, Iterator::count);
    (descriptors, number("Threads:"), number("VmRSS:"))
}

/// Threads end when the calls that they wait for do.
async fn until_back(process: u32, before: (usize, usize, usize)) -> (usize, usize, usize) {
    let mut after = resources(process);
    for _ in 0..300 {
        if after.0 <= before.0 && after.1 <= before.1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        after = resources(process);
    }
    after
}

/// One test in one process: a second one would count in its threads.
#[tokio::test]
async fn nothing_is_left_over() {
    let world = World::new().await;
    // Once through all of it, so that growth is growth.
    world.plug(50).await;
    world.calculate(500).await;
    world.cancel(50).await;
    world.hang().await;
    let own = std::process::id();
    tokio::time::sleep(Duration::from_secs(11)).await;
    let before = resources(own);

    world.plug(2_000).await;
    world.calculate(10_000).await;
    world.cancel(500).await;
    world.hang().await;

    let after = until_back(own, before).await;
    println!("descriptors, threads, KiB: before {before:?}, after {after:?}");
    assert!(after.0 <= before.0 && after.1 <= before.1, "{before:?} {after:?}");
    assert!(after.2 < before.2 + 2 * 1024, "{before:?} {after:?}");
    assert_eq!(world.operations.count(), 0);
    through_pcscd().await;
}

/// The daemon and a real pcscd: its contexts are the daemon's connections to it.
async fn through_pcscd() {
    let token = "[[token]]\nserial = 7654321\ncredential = [{ account = 'alice', seed = 'GEZDGNBV' }]\n";
    let mut rig = Rig::start(DAEMON, token, "", true).await.unwrap();
    let card = rig.card().unwrap().clone();
    let mut signals = rig.client.signals().await.unwrap();
    let alice = rig.client.credential("alice").await.unwrap();
    let process = rig.daemon.as_ref().unwrap().id();
    let mut before = None;
    for round in 0..15 {
        if round == 3 {
            before = Some(resources(process));
        }
        for _ in 0..10 {
            rig.client.calculate(&alice, Default::default()).await.unwrap();
        }
        card.fail_next(if round % 2 == 0 { Fault::Vanish } else { Fault::Hang });
        let mut call = Box::pin(rig.client.calculate(&alice, Default::default()));
        let ended = tokio::time::timeout(Duration::from_millis(300), &mut call).await;
        rig.pcscd.remove(0).unwrap();
        match ended {
            Ok(result) => result.unwrap_err(),
            Err(_) => call.await.unwrap_err(),
        };
        let gone =
            |event: &Event| matches!(event, Event::Removed { .. }) && event.place().starts_with("tokens/");
        signals.until(gone).await.unwrap();
        rig.pcscd.insert(0, &card).unwrap();
        signals.until(|event| event.value::<String>("State").as_deref() == Some("ready")).await.unwrap();
    }
    let before = before.unwrap();
    let after = until_back(process, before).await;
    println!("the daemon: before {before:?}, after {after:?}");
    assert!(after.0 <= before.0 && after.1 <= before.1, "{before:?} {after:?}");
    assert!(after.2 < before.2 + 2 * 1024, "{before:?} {after:?}");
}
