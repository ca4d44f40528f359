//! Which program is behind a unique name of the bus, asked once and remembered.

use std::fs;
use std::future::Future;
use std::io::{self, ErrorKind};
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::geteuid;
use tokio::sync::Semaphore;
use zbus::names::BusName;
use zbus::{Connection, fdo};

use super::{Facts, Identity, facts};

/// How long the bus and the kernel may take to say who somebody is.
const PATIENCE: Duration = Duration::from_secs(2);

/// How many callers are looked at at once: a thread each. Of those in a sandbox files are opened, which may hang; they
/// have as many of their own, so that nobody else is kept waiting.
const LOOKS: usize = 4;

/// How long it is remembered that nothing could be found out about a caller: each try may take as long as patience does.
const UNKNOWN: Duration = Duration::from_secs(10);

/// Somebody who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The program belongs to the daemon's own user.
    pub is_ours: bool,
    /// What is known of the program; nothing if something of it couldn't be read.
    pub facts: Option<Facts>,
}

impl Caller {
    /// How to call the program.
    pub fn identity(&self) -> Identity {
        self.facts.as_ref().map_or_else(Identity::unknown, Facts::identity)
    }
}

/// What was found out about one unique name. The bus never gives a unique name out twice, so it holds.
#[derive(Debug, Default)]
pub struct KnownCaller {
    known: Mutex<Option<Known>>,
    /// One call of a caller finds out, and the others wait for it.
    asking: tokio::sync::Mutex<()>,
}

#[derive(Clone, Debug)]
struct Known {
    caller: Arc<Caller>,
    /// Until when that holds, if not for ever.
    until: Option<Instant>,
}

/// A caller as far as it was identified.
#[derive(Debug)]
pub struct Identified {
    /// The caller.
    pub caller: Arc<Caller>,
    /// The bus doesn't know the name any more.
    pub has_left: bool,
}

/// Finds out which programs call.
#[derive(Debug)]
pub struct Identifier {
    looks: Arc<Semaphore>,
    into_sandboxes: Arc<Semaphore>,
}

impl Default for Identifier {
    fn default() -> Self {
        let looks = || Arc::new(Semaphore::new(LOOKS));
        Self { looks: looks(), into_sandboxes: looks() }
    }
}

impl Identifier {
    /// Which program this unique name is. Whatever can't be found out is unknown; nothing is guessed.
    pub async fn identify(
        &self,
        connection: &Connection,
        unique_name: &str,
        known: &KnownCaller,
    ) -> Identified {
        if let Some(caller) = known.remembered() {
            return Identified { caller, has_left: false };
        }
        let _turn = known.asking.lock().await;
        if let Some(caller) = known.remembered() {
            return Identified { caller, has_left: false };
        }
        let (caller, has_left) = match self.ask(connection, unique_name).await {
            Ok(caller) => (caller, false),
            Err(error) => {
                tracing::debug!(unique_name, "a caller can't be identified: {error}");
                (Caller { is_ours: false, facts: None }, error.kind() == ErrorKind::NotConnected)
            }
        };
        Identified { caller: known.remember(caller), has_left }
    }

    /// Whose program it is, and what is known of it: of a look that lasts too long, nothing.
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
                bounded(self.look(async || process_of(&handle))).await
            }
            (None, Some(_)) => {
                let asked =
                    async || bus.get_connection_unix_process_id(name()?).await.map_err(io::Error::other);
                bounded(self.look(asked)).await
            }
            (None, None) => Err(ErrorKind::Unsupported.into()),
        };
        if let Err(error) = &facts {
            tracing::debug!(unique_name, "a caller's process can't be looked at: {error}");
        }
        Ok(Caller { is_ours, facts: facts.ok() })
    }

    /// Looks at the process whose id `ask` tells, and asks again: its id may belong to another one by then.
    async fn look<A>(&self, ask: impl Fn() -> A) -> io::Result<Facts>
    where
        A: Future<Output = io::Result<u32>>,
    {
        let process = ask().await?;
        let read = move || Ok((facts::started(process)?, Facts::read(process)?));
        let (started, mut facts) = aside(&self.looks, read).await?;
        if facts.is_sandboxed {
            facts = aside(&self.into_sandboxes, move || facts.application(process)).await?;
        }
        let is_same = aside(&self.looks, move || Ok(facts::started(process)? == started)).await?;
        if is_same && ask().await? == process { Ok(facts) } else { Err(changed()) }
    }
}

impl KnownCaller {
    fn remember(&self, caller: Caller) -> Arc<Caller> {
        let until = caller.facts.is_none().then(|| Instant::now() + UNKNOWN);
        let caller = Arc::new(caller);
        let known = Known { caller: Arc::clone(&caller), until };
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(known);
        caller
    }

    fn remembered(&self) -> Option<Arc<Caller>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
        known.until.is_none_or(|until| Instant::now() < until).then_some(known.caller)
    }
}

/// What the bus says: `NotConnected` for a name that it doesn't know.
fn refusal(error: fdo::Error) -> io::Error {
    match error {
        fdo::Error::NameHasNoOwner(_) => ErrorKind::NotConnected.into(),
        error => io::Error::other(error),
    }
}

/// Does what may block on a thread.
async fn aside<T, W>(permits: &Arc<Semaphore>, work: W) -> io::Result<T>
where
    T: Send + 'static,
    W: FnOnce() -> io::Result<T> + Send + 'static,
{
    let permit = Arc::clone(permits).acquire_owned().await.map_err(io::Error::other)?;
    let working = tokio::task::spawn_blocking(move || {
        // Held by the thread, so that one which hangs counts.
        let _permit = permit;
        work()
    });
    working.await.map_err(io::Error::other)?
}

async fn bounded<T>(work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    tokio::time::timeout(PATIENCE, work).await.unwrap_or_else(|_| Err(ErrorKind::TimedOut.into()))
}

fn changed() -> io::Error {
    io::Error::other("the process has changed")
}

/// The id of a process that a handle stands for; an error when it has ended (pidfd_open(2)).
fn process_of(handle: &OwnedFd) -> io::Result<u32> {
    let info = fs::read_to_string(format!("/proc/self/fdinfo/{}", handle.as_raw_fd()))?;
    let id = info.lines().find_map(|line| line.strip_prefix("Pid:")?.trim().parse().ok());
    id.ok_or_else(|| ErrorKind::NotFound.into())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_process_id_that_changes_hands_is_nobody_s() {
        let own = std::process::id();
        let identifier = Identifier::default();
        assert!(identifier.look(async || Ok(own)).await.unwrap().executable.is_some());
        let answers = AtomicU32::new(own);
        let changing = async || Ok(answers.fetch_add(1, Ordering::Relaxed));
        assert_eq!(identifier.look(changing).await.unwrap_err().to_string(), "the process has changed");
    }

    /// It is slow because others hang, perhaps; its user is known all the same.
    #[tokio::test]
    async fn a_look_that_lasts_too_long_is_forgotten_and_not_the_user() {
        let bus = testkit::bus::PrivateBus::start().unwrap();
        let connection = zbus::connection::Builder::address(bus.address()).build().await.unwrap();
        let own = connection.unique_name().unwrap().to_string();
        let identifier = Identifier::default();
        let permits = Arc::clone(&identifier.looks).acquire_many_owned(4).await.unwrap();
        let known = KnownCaller::default();
        let identified = identifier.identify(&connection, &own, &known).await;
        assert_eq!(*identified.caller, Caller { is_ours: true, facts: None });
        drop(permits);
        // It is asked again only after a while.
        assert_eq!(identifier.identify(&connection, &own, &known).await.caller.facts, None);
        let identified = identifier.identify(&connection, &own, &KnownCaller::default()).await;
        assert!(identified.caller.facts.is_some() && !identified.has_left);
    }

    #[tokio::test]
    async fn a_name_that_the_bus_does_not_know_has_left() {
        let bus = testkit::bus::PrivateBus::start().unwrap();
        let connection = zbus::connection::Builder::address(bus.address()).build().await.unwrap();
        let identifier = Identifier::default();
        let identified = identifier.identify(&connection, ":1.4711", &KnownCaller::default()).await;
        assert!(identified.has_left && !identified.caller.is_ours);
    }

    #[tokio::test]
    async fn who_hangs_in_a_sandbox_keeps_only_sandboxed_programs_waiting() {
        let identifier = Identifier::default();
        let _permits = Arc::clone(&identifier.into_sandboxes).acquire_many_owned(4).await.unwrap();
        let look = bounded(identifier.look(async || Ok(std::process::id())));
        assert!(look.await.is_ok());
    }

    #[test]
    fn a_handle_tells_its_process() {
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
