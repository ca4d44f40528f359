//! Identifies the program of a unique bus name, once per name.

use std::fs;
use std::future::Future;
use std::io::{self, ErrorKind};
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::process::geteuid;
use tokio::sync::Semaphore;
use zbus::names::BusName;
use zbus::{Connection, fdo};

use super::{Facts, Identity, facts};
use crate::sync::IgnorePoison;

/// The timeout for the identification of a caller by the bus and the kernel.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(2);

/// The number of sandboxed callers that are identified at once, each on a thread, because opening files of a sandbox may
/// hang.
const MAX_SANDBOX_LOOKUPS: usize = 4;

/// The time before an unknown caller is looked up again; each lookup may take up to [`LOOKUP_TIMEOUT`].
const UNKNOWN_RETRY_INTERVAL: Duration = Duration::from_secs(10);

/// A caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Whether the program belongs to the daemon's own user.
    pub is_ours: bool,
    /// The facts about the program; `None` if something could not be read.
    pub facts: Option<Facts>,
}

impl Caller {
    /// The identity of the program.
    pub fn identity(&self) -> Identity {
        self.facts.as_ref().map_or_else(Identity::unknown, Facts::identity)
    }
}

/// The identity of one unique name. The bus never reuses a unique name, so the identity stays valid.
#[derive(Debug, Default)]
pub struct KnownCaller {
    known: Mutex<Option<Known>>,
    /// Held by the call that identifies the caller; other calls wait.
    asking: tokio::sync::Mutex<()>,
}

#[derive(Clone, Debug)]
struct Known {
    caller: Arc<Caller>,
    /// The end of its validity, if it has one.
    until: Option<Instant>,
}

/// The result of an identification.
#[derive(Debug)]
pub struct Identified {
    /// The caller.
    pub caller: Arc<Caller>,
    /// Whether the name has left the bus.
    pub has_left: bool,
}

/// Identifies the programs of callers.
#[derive(Debug)]
pub struct Identifier {
    sandbox_lookups: Arc<Semaphore>,
}

impl Default for Identifier {
    fn default() -> Self {
        Self { sandbox_lookups: Arc::new(Semaphore::new(MAX_SANDBOX_LOOKUPS)) }
    }
}

impl Identifier {
    /// Identifies the program of a unique name. If something cannot be read, the program is unknown.
    pub async fn identify(
        &self,
        connection: &Connection,
        unique_name: &str,
        known: &KnownCaller,
    ) -> Identified {
        let _asking = known.asking.lock().await;
        if let Some(caller) = known.remembered() {
            return Identified { caller, has_left: false };
        }
        let (caller, has_left) = match self.ask(connection, unique_name).await {
            Ok(caller) => (caller, false),
            Err(error) => {
                tracing::debug!(unique_name, "cannot identify a caller: {error}");
                (Caller { is_ours: false, facts: None }, error.kind() == ErrorKind::NotConnected)
            }
        };
        Identified { caller: known.remember(caller), has_left }
    }

    /// The user of the program, and the facts about it; no facts after a timeout.
    async fn ask(&self, connection: &Connection, unique_name: &str) -> io::Result<Caller> {
        let bus = fdo::DBusProxy::new(connection).await.map_err(io::Error::other)?;
        let name = || BusName::try_from(unique_name.to_owned()).map_err(io::Error::other);
        let credentials =
            bounded(async { bus.get_connection_credentials(name()?).await.map_err(refusal) }).await?;
        let is_ours = credentials.unix_user_id() == Some(geteuid().as_raw());
        let process = credentials.process_id();
        let facts = match (credentials.into_process_fd(), process) {
            (Some(handle), _) => {
                let handle = OwnedFd::from(handle);
                match process_of(&handle) {
                    Ok(process) => bounded(self.read_facts(process, async || process_of(&handle))).await,
                    Err(error) => Err(error),
                }
            }
            (None, Some(process)) => {
                let asked =
                    async || bus.get_connection_unix_process_id(name()?).await.map_err(io::Error::other);
                bounded(self.read_facts(process, asked)).await
            }
            (None, None) => Err(ErrorKind::Unsupported.into()),
        };
        if let Err(error) = &facts {
            tracing::debug!(unique_name, "cannot read the process of a caller: {error}");
        }
        Ok(Caller { is_ours, facts: facts.ok() })
    }

    /// Reads the process, and then asks for its id with `ask`, because the id may belong to another process by then.
    async fn read_facts<A>(&self, process: u32, ask: impl FnOnce() -> A) -> io::Result<Facts>
    where
        A: Future<Output = io::Result<u32>>,
    {
        // The kernel answers these without waiting for a disk or for the process. In a flood, a thread would wait for its
        // turn longer than it reads.
        let started = facts::started(process)?;
        let mut facts = unchanged(process, started, Facts::read(process)?)?;
        if facts.is_sandboxed {
            let read = move || unchanged(process, started, facts.application(process)?);
            facts = aside(&self.sandbox_lookups, read).await?;
        }
        if ask().await? == process { Ok(facts) } else { Err(changed()) }
    }
}

/// The facts, if the process is still the one that started at this time.
fn unchanged(process: u32, started: u64, facts: Facts) -> io::Result<Facts> {
    if facts::started(process)? == started { Ok(facts) } else { Err(changed()) }
}

impl KnownCaller {
    fn remember(&self, caller: Caller) -> Arc<Caller> {
        let until = caller.facts.is_none().then(|| Instant::now() + UNKNOWN_RETRY_INTERVAL);
        let caller = Arc::new(caller);
        let known = Known { caller: Arc::clone(&caller), until };
        *self.known.lock().ignore_poison() = Some(known);
        caller
    }

    /// The caller, if it was identified and need not be looked up again.
    pub fn remembered(&self) -> Option<Arc<Caller>> {
        let known = self.known.lock().ignore_poison().clone()?;
        known.until.is_none_or(|until| Instant::now() < until).then_some(known.caller)
    }
}

/// The error of the bus: `NotConnected` for an unknown name.
fn refusal(error: fdo::Error) -> io::Error {
    match error {
        fdo::Error::NameHasNoOwner(_) => ErrorKind::NotConnected.into(),
        error => io::Error::other(error),
    }
}

/// Runs work that may hang on a thread.
async fn aside<T, W>(permits: &Arc<Semaphore>, work: W) -> io::Result<T>
where
    T: Send + 'static,
    W: FnOnce() -> io::Result<T> + Send + 'static,
{
    let permit = Arc::clone(permits).acquire_owned().await.map_err(io::Error::other)?;
    let working = tokio::task::spawn_blocking(move || {
        // Held by the thread, so that a thread that hangs counts.
        let _permit = permit;
        work()
    });
    working.await.map_err(io::Error::other)?
}

async fn bounded<T>(work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    tokio::time::timeout(LOOKUP_TIMEOUT, work).await.unwrap_or_else(|_| Err(ErrorKind::TimedOut.into()))
}

fn changed() -> io::Error {
    io::Error::other("the process has changed")
}

/// The id of the process of a pidfd; an error if it has ended (pidfd_open(2)).
fn process_of(handle: &OwnedFd) -> io::Result<u32> {
    let info = fs::read_to_string(format!("/proc/self/fdinfo/{}", handle.as_raw_fd()))?;
    let id = info.lines().find_map(|line| line.strip_prefix("Pid:")?.trim().parse().ok());
    id.ok_or_else(|| ErrorKind::NotFound.into())
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::atomic::{AtomicU32, Ordering};

    use zbus::connection::Builder;
    use zbus::{Guid, OwnedVariant};

    use super::*;

    #[tokio::test]
    async fn a_process_id_that_changes_is_an_error() {
        let own = std::process::id();
        let identifier = Identifier::default();
        assert!(identifier.read_facts(own, async || Ok(own)).await.unwrap().executable.is_some());
        let changed = identifier.read_facts(own, async || Ok(own + 1)).await.unwrap_err();
        assert_eq!(changed.to_string(), "the process has changed");
        let before = facts::started(own).unwrap() - 1;
        assert_eq!(
            unchanged(own, before, Facts::default()).unwrap_err().to_string(),
            "the process has changed"
        );
    }

    /// A bus that never answers the second question about a process.
    struct HalfDeafBus(Arc<AtomicU32>);

    #[zbus::interface(name = "org.freedesktop.DBus")]
    impl HalfDeafBus {
        fn get_connection_credentials(&self, _name: &str) -> HashMap<&'static str, OwnedVariant> {
            self.0.fetch_add(1, Ordering::Relaxed);
            let (user, process) = (geteuid().as_raw(), std::process::id());
            [("UnixUserID", user), ("ProcessID", process)].map(|(key, id)| (key, id.into())).into()
        }

        #[zbus(name = "GetConnectionUnixProcessID")]
        async fn get_connection_unix_process_id(&self, _name: &str) -> u32 {
            std::future::pending().await
        }
    }

    /// The user of the program is known nevertheless, and it is asked for again only after [`UNKNOWN_RETRY_INTERVAL`].
    #[tokio::test]
    async fn a_lookup_that_times_out_keeps_the_user() {
        let (bus, client) = std::os::unix::net::UnixStream::pair().unwrap();
        let bus = Builder::unix_stream(bus).server(Guid::generate()).p2p();
        let questions = Arc::new(AtomicU32::new(0));
        let bus = bus.serve_at("/org/freedesktop/DBus", HalfDeafBus(Arc::clone(&questions))).build();
        let (_bus, connection) = tokio::try_join!(bus, Builder::unix_stream(client).p2p().build()).unwrap();
        let known = KnownCaller::default();
        let wanted = Caller { is_ours: true, facts: None };
        let identifier = Identifier::default();
        for _ in 0..2 {
            assert_eq!(*identifier.identify(&connection, ":1.1", &known).await.caller, wanted);
        }
        assert_eq!(questions.load(Ordering::Relaxed), 1);
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
        let look = bounded(identifier.read_facts(std::process::id(), async || Ok(std::process::id())));
        assert!(look.await.is_ok());
    }

    #[test]
    fn a_handle_has_its_process_id() {
        let pid = rustix::process::getpid();
        let handle = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).unwrap();
        assert_eq!(process_of(&handle).unwrap(), std::process::id());
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let pid = rustix::process::Pid::from_child(&child);
        let handle = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).unwrap();
        child.wait().unwrap();
        assert!(process_of(&handle).is_err());
    }
}
