use std::collections::HashMap;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use zbus::connection::Builder;
use zbus::{Guid, OwnedVariant};

use super::*;

#[tokio::test]
async fn a_process_id_that_changes_is_an_error() {
    let own = std::process::id();
    let identifier = Identifier::default();
    assert!(identifier.read_facts(own, async |_| Ok(own)).await.unwrap().executable.is_some());
    let changed = identifier.read_facts(own, async |_| Ok(own + 1)).await.unwrap_err();
    assert_eq!(changed.to_string(), "the process has changed");
    let other = StartTime::now().unwrap();
    assert_eq!(unchanged(own, other, Facts::default()).unwrap_err().to_string(), "the process has changed");
}

/// A bus that never answers the second question about a process.
#[derive(Clone, Default)]
struct HalfDeafBus {
    /// The process of every connection; by default, one that starts when the bus is asked.
    process: Option<u32>,
    started: Arc<Mutex<Vec<Child>>>,
    first_questions: Arc<AtomicU32>,
    second_questions: Arc<AtomicU32>,
}

#[zbus::interface(name = "org.freedesktop.DBus")]
impl HalfDeafBus {
    fn get_connection_credentials(&self, _name: &str) -> HashMap<&'static str, OwnedVariant> {
        self.first_questions.fetch_add(1, Ordering::Relaxed);
        let process = self.process.unwrap_or_else(|| {
            let child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
            let id = child.id();
            self.started.lock().ignore_poison().push(child);
            id
        });
        let user = geteuid().as_raw();
        [("UnixUserID", user), ("ProcessID", process)].map(|(key, id)| (key, id.into())).into()
    }

    #[zbus(name = "GetConnectionUnixProcessID")]
    async fn get_connection_unix_process_id(&self, _name: &str) -> u32 {
        self.second_questions.fetch_add(1, Ordering::Relaxed);
        std::future::pending().await
    }
}

impl HalfDeafBus {
    /// Asks twice for the same caller.
    async fn ask_twice(&self) -> [Arc<Caller>; 2] {
        let (bus, client) = std::os::unix::net::UnixStream::pair().unwrap();
        let bus = Builder::unix_stream(bus).server(Guid::generate()).p2p();
        let bus = bus.serve_at("/org/freedesktop/DBus", self.clone()).build();
        let (_bus, connection) = tokio::try_join!(bus, Builder::unix_stream(client).p2p().build()).unwrap();
        let (known, identifier) = (KnownCaller::default(), Identifier::default());
        let first = identifier.identify(&connection, ":1.1", &known).await.caller;
        let second = identifier.identify(&connection, ":1.1", &known).await.caller;
        // The end of its input ends each of these processes.
        for mut child in self.started.lock().ignore_poison().drain(..) {
            child.wait().unwrap();
        }
        [first, second]
    }

    fn questions(&self) -> [u32; 2] {
        [&self.first_questions, &self.second_questions].map(|count| count.load(Ordering::Relaxed))
    }
}

/// The user of the program is known nevertheless, and it is asked for again only after [`UNKNOWN_RETRY_INTERVAL`].
#[tokio::test]
async fn a_lookup_that_times_out_keeps_the_user() {
    let bus = HalfDeafBus::default();
    let wanted = Arc::new(Caller { is_ours: true, facts: None });
    assert_eq!(bus.ask_twice().await, [Arc::clone(&wanted), wanted]);
    assert_eq!(bus.questions(), [1, 1]);
}

/// Its id cannot have belonged to another process when the bus answered.
#[tokio::test]
async fn one_question_is_enough_for_a_process_that_started_before_it() {
    let own = std::process::id();
    while StartTime::now().unwrap() <= StartTime::of(own).unwrap() {
        std::thread::yield_now();
    }
    let bus = HalfDeafBus { process: Some(own), ..HalfDeafBus::default() };
    let [first, second] = bus.ask_twice().await;
    assert_eq!(first.facts, Some(Facts::read(own).unwrap()));
    assert_eq!(first, second);
    assert_eq!(bus.questions(), [1, 0]);
}

#[tokio::test]
async fn a_name_that_the_bus_does_not_know_has_left() {
    let bus = testkit::bus::PrivateBus::start().unwrap();
    let connection = Builder::address(bus.address()).build().await.unwrap();
    let identifier = Identifier::default();
    let identified = identifier.identify(&connection, ":1.4711", &KnownCaller::default()).await;
    assert!(identified.has_left && !identified.caller.is_ours);
}

#[tokio::test]
async fn a_sandbox_that_hangs_delays_only_sandboxed_programs() {
    let identifier = Identifier::default();
    let _permits = Arc::clone(&identifier.sandbox_lookups).acquire_many_owned(4).await.unwrap();
    let look = bounded(identifier.read_facts(std::process::id(), async |_| Ok(std::process::id())));
    assert!(look.await.is_ok());
}

#[test]
fn a_handle_has_its_process_id() {
    let pid = rustix::process::getpid();
    let handle = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).unwrap();
    assert_eq!(process_of(&handle).unwrap(), std::process::id());
    let mut child = Command::new("true").spawn().unwrap();
    let pid = rustix::process::Pid::from_child(&child);
    let handle = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).unwrap();
    child.wait().unwrap();
    assert!(process_of(&handle).is_err());
}
