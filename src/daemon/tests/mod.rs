//! Tests of the daemon, its watchdog and its objects on a private bus while one of its tasks is missing.

mod stopping;

use std::collections::BTreeMap;

use tempfile::TempDir;
use testkit::bus::PrivateBus;
use testkit::client::{Client, Event};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use zbus::OwnedObjectPath;

use super::*;
use crate::clock::{ManualClock, SystemClock};
use crate::dbus::Service;
use crate::device::{DeviceId, Opened, Presence};
use crate::registry::Snapshot;
use crate::virt::{TokenSpec, VirtualToken, VirtualTransport};

/// The names of all essential tasks.
const ESSENTIAL: [&str; 13] = [
    "absent credentials",
    "departures",
    "monitor-virtual",
    "notifications",
    "object tree",
    "operations",
    "prompts",
    "registry",
    "reload",
    "remembered",
    "session",
    "status",
    "watchdog",
];

/// A generous timeout that only a failure reaches.
const EVENT_TIMEOUT: Duration = Duration::from_secs(30);

/// The period of the watchdog.
const WATCHDOG_PERIOD: Duration = Duration::from_secs(180);

/// A bus, a folder for state, and a token.
struct World {
    bus: PrivateBus,
    state: TempDir,
    transport: Arc<VirtualTransport>,
    card: VirtualToken,
}

impl World {
    fn new() -> Self {
        let tokens = TokenSpec::demo();
        let transport = Arc::new(VirtualTransport::new(&tokens[..1]));
        let card = transport.token(tokens[0].serial).unwrap();
        Self { bus: PrivateBus::start().unwrap(), state: tempfile::tempdir().unwrap(), transport, card }
    }

    fn parts(&self, transport: Arc<dyn Transport>) -> Parts {
        Parts {
            clock: Arc::new(SystemClock::new()),
            transports: Box::new(|_| vec![transport]),
            state_directory: self.state.path().join("state"),
            runtime_directory: None,
            config: self.config(),
            bus: self.address(),
            logind_timeout: EVENT_TIMEOUT,
        }
    }

    /// A configuration with one profile, which names a credential of the demo token.
    fn config(&self) -> Files {
        let file = self.state.path().join("config.toml");
        let text = "[profiles.work]\nregion = 'eu-central-1'\naccount = 'alice@example.com'\n";
        std::fs::write(&file, text).unwrap();
        Files::only(file)
    }

    fn address(&self) -> Address {
        self.bus.address().parse().unwrap()
    }

    async fn client(&self) -> Connection {
        zbus::connection::Builder::address(self.bus.address()).build().await.unwrap()
    }

    /// The tasks that serve calls, by name. They do not run yet.
    async fn served(&self) -> Served {
        let clock = Arc::new(ManualClock::at(Duration::ZERO));
        let identities = Identities::new(self.state.path().to_owned());
        let (registry, watch) = Registry::new(vec![self.transport.clone()], clock.clone(), identities);
        let (operations, news) = Operations::new(clock.clone());
        let flows = Flows::new(registry, self.state.path().join("state"), clock.clone()).unwrap();
        let bridge = Bridge::new(flows.clone(), operations, self.config());
        let mut service = bridge.serve(self.address(), news).await.unwrap();
        let tasks = std::mem::take(&mut service.tasks).into_iter().chain(watch.start().unwrap());
        let tasks = tasks.map(|task| (task.name().to_owned(), task)).collect();
        Served { clock, flows, bridge, service, tasks }
    }
}

struct Served {
    clock: Arc<ManualClock>,
    flows: Flows,
    bridge: Arc<Bridge>,
    service: Service,
    tasks: BTreeMap<String, Task>,
}

async fn soon<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(EVENT_TIMEOUT, work).await.unwrap()
}

#[tokio::test]
async fn each_essential_task_ends_the_daemon_with_its_name() {
    for name in ESSENTIAL {
        let world = World::new();
        let mut daemon = Daemon::start(world.parts(world.transport.clone()), &mut None).await.unwrap();
        assert_eq!(daemon.tasks.names(), ESSENTIAL);
        daemon.tasks.abort(name);
        let error = soon(daemon.failure()).await;
        assert!(matches!(&error, Error::TaskEnded { task, .. } if task == name), "{error}");
        assert!(error.to_string().contains(name), "{error}");
        daemon.end().await;
    }
}

#[tokio::test]
async fn a_task_that_panics_is_named_too() {
    let mut supervisor = Supervisor::default();
    supervisor.spawn(Task::new("idle", std::future::pending()));
    supervisor.spawn(Task::new("broken", async { panic!("as it should") }));
    assert_eq!(soon(supervisor.next_end()).await, ("broken".to_owned(), End::Panicked));
    assert_eq!(supervisor.names(), ["idle"]);
}

/// A transport whose monitor thread panics.
struct Fragile;

impl Transport for Fragile {
    fn name(&self) -> &'static str {
        "fragile"
    }

    fn watch(&self, report: &mut dyn FnMut(Presence) -> bool) {
        report(Presence::default());
        panic!("as it should");
    }

    fn stop(&self) {}

    fn open(&self, _: &DeviceId) -> Result<Opened, crate::device::Error> {
        Err(crate::device::Error::Removed)
    }
}

#[tokio::test]
async fn a_monitor_thread_that_panics_ends_the_daemon() {
    let world = World::new();
    let error = soon(run(world.parts(Arc::new(Fragile)), std::future::pending())).await.unwrap_err();
    assert!(matches!(&error, Error::TaskEnded { task, .. } if task == "monitor-fragile"), "{error}");
}

#[tokio::test]
async fn a_bus_that_is_lost_is_the_reason_for_the_tasks_that_end_with_it() {
    let world = World::new();
    let mut daemon = Daemon::start(world.parts(world.transport.clone()), &mut None).await.unwrap();
    drop(world.bus);
    assert!(matches!(soon(daemon.failure()).await, Error::BusLost));
}

#[tokio::test]
async fn the_watchdog_starves_while_a_part_doesn_t_answer() {
    for silent in ["object tree", "operations", "registry"] {
        let world = World::new();
        let Served { clock, flows, bridge, mut tasks, .. } = world.served().await;
        let missing = tasks.remove(silent).unwrap();
        let mut running: JoinSet<()> = tasks.into_values().map(Task::into_work).collect();
        if silent != "registry" {
            let mut snapshots = flows.registry().subscribe();
            soon(snapshots.wait_for(|snapshot| snapshot.settled)).await.unwrap();
        }
        let (happens, mut happened) = mpsc::unbounded_channel();
        let (asks, feeds) = (happens.clone(), happens.clone());
        let round = move || {
            asks.send("asked").unwrap();
            let bridge = Arc::clone(&bridge);
            async move { bridge.round().await }
        };
        let feed = move || feeds.send("fed").unwrap();
        running.spawn(watchdog::run(clock.clone(), Some(WATCHDOG_PERIOD), round, feed));
        assert_eq!(soon(happened.recv()).await, Some("asked"), "{silent}");
        // Enough time for another feed of the watchdog.
        drop(world.client().await);
        happens.send("answers").unwrap();
        running.spawn(missing.into_work());
        assert_eq!(soon(happened.recv()).await, Some("answers"), "{silent}");
        assert_eq!(soon(happened.recv()).await, Some("fed"), "{silent}");
        soon(clock.wait_for_sleeper(WATCHDOG_PERIOD / 2)).await;
        clock.advance(WATCHDOG_PERIOD / 2);
        assert_eq!(soon(happened.recv()).await, Some("asked"), "{silent}");
        assert_eq!(soon(happened.recv()).await, Some("fed"), "{silent}");
    }
}

#[tokio::test]
async fn the_watchdog_starves_without_a_bus() {
    let world = World::new();
    let Served { clock, bridge, tasks, .. } = world.served().await;
    let mut running: JoinSet<()> = tasks.into_values().map(Task::into_work).collect();
    drop(world.bus);
    let (feeds, mut fed) = mpsc::unbounded_channel();
    let round = move || {
        let bridge = Arc::clone(&bridge);
        async move { bridge.round().await }
    };
    let feed = move || feeds.send(()).unwrap();
    running.spawn(watchdog::run(clock.clone(), Some(WATCHDOG_PERIOD), round, feed));
    // One round has succeeded.
    soon(clock.wait_for_sleeper(WATCHDOG_PERIOD / 2)).await;
    assert!(fed.try_recv().is_err());
}

/// The registry adds a token before its objects are exported, and removes it before they are removed.
#[tokio::test]
async fn a_profile_points_at_exported_objects_only() {
    let world = World::new();
    world.card.unplug();
    let Served { flows, service, mut tasks, .. } = world.served().await;
    let mut tree = Box::pin(tasks.remove("object tree").unwrap().into_work());
    let _running: JoinSet<()> = tasks.into_values().map(Task::into_work).collect();
    let client = Client::connect(world.bus.address()).await.unwrap();
    let mut signals = client.signals().await.unwrap();
    let _connection = service.take_name().await.unwrap();
    // The task of the tree runs only while it is polled here.
    let mut until = async |fits: &dyn Fn(&Event) -> bool| {
        tokio::select! {
            events = signals.until(fits) => events.unwrap(),
            () = &mut tree => panic!("the tree has ended"),
        }
    };
    let profile = format!("{}/profiles/work", names::ROOT);
    let target = async || client.property(&profile, "Profile", "Credential").await.map(text).unwrap();
    until(&|event| event.place() == "profiles/work").await;

    world.card.plug();
    has_credentials(&flows, true).await;
    assert_eq!(target().await, "/", "there is no object yet");
    let events = until(&|event| event.value::<String>("State").is_some()).await;
    let pointed = place_of(&events, |event| points_at(event).is_some());
    let path = points_at(&events[pointed]).unwrap();
    assert!(place_of(&events, |event| is_added(event, &path)) < pointed, "{events:?}");

    world.card.unplug();
    has_credentials(&flows, false).await;
    assert!(client.objects().await.unwrap().contains_key(&path));
    assert_eq!(target().await, path, "the object is still there");
    let events =
        until(&|event| matches!(event, Event::Removed { .. }) && event.place().starts_with("tokens")).await;
    let pointed = place_of(&events, |event| points_at(event).is_some_and(|path| path == "/"));
    let is_removed =
        |event: &Event| matches!(event, Event::Removed { path: removed, .. } if *removed == path);
    assert!(pointed < place_of(&events, is_removed), "{events:?}");
}

async fn has_credentials(flows: &Flows, expected: bool) {
    let mut snapshots = flows.registry().subscribe();
    let fits = |snapshot: &Arc<Snapshot>| {
        let has_some = snapshot.tokens.values().any(|token| !token.credentials.is_empty());
        snapshot.settled && has_some == expected
    };
    soon(snapshots.wait_for(fits)).await.unwrap();
}

fn place_of(events: &[Event], fits: impl Fn(&Event) -> bool) -> usize {
    events.iter().position(fits).unwrap_or_else(|| panic!("{events:?}"))
}

/// The credential in a changed property of the profile.
fn points_at(event: &Event) -> Option<String> {
    (event.place() == "profiles/work").then(|| event.value("Credential").map(text))?
}

fn is_added(event: &Event, object: &str) -> bool {
    matches!(event, Event::Added { path, .. } if path == object)
}

fn text(path: OwnedObjectPath) -> String {
    path.to_string()
}
