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

use super::start_time::StartTime;
use super::{Facts, Identity};
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

    /// The name of its program for the limits. A sandboxed program is counted apart from an unsandboxed one.
    pub fn program(&self) -> String {
        let is_sandboxed = self.facts.as_ref().is_some_and(|facts| facts.is_sandboxed);
        let Identity { kind, name } = self.identity();
        format!("{}{}:{name}", if is_sandboxed { "sandboxed " } else { "" }, kind.word())
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
        let asked = StartTime::now()?;
        let name = || BusName::try_from(unique_name.to_owned()).map_err(io::Error::other);
        let credentials =
            bounded(async { bus.get_connection_credentials(name()?).await.map_err(refusal) }).await?;
        let is_ours = credentials.unix_user_id() == Some(geteuid().as_raw());
        let process = credentials.process_id();
        let facts = match (credentials.into_process_fd(), process) {
            (Some(handle), _) => {
                let handle = OwnedFd::from(handle);
                match process_of(&handle) {
                    Ok(process) => bounded(self.read_facts(process, async |_| process_of(&handle))).await,
                    Err(error) => Err(error),
                }
            }
            (None, Some(process)) => {
                let confirm = async |started| {
                    // It had this id when the bus answered, because it ran before and still runs.
                    if started < asked {
                        return Ok(process);
                    }
                    bus.get_connection_unix_process_id(name()?).await.map_err(io::Error::other)
                };
                bounded(self.read_facts(process, confirm)).await
            }
            (None, None) => Err(ErrorKind::Unsupported.into()),
        };
        if let Err(error) = &facts {
            tracing::debug!(unique_name, "cannot read the process of a caller: {error}");
        }
        Ok(Caller { is_ours, facts: facts.ok() })
    }

    /// Reads the process that started at some time, and then has `confirm` name the process, because the id may belong to
    /// another one by then.
    async fn read_facts<A>(&self, process: u32, confirm: impl FnOnce(StartTime) -> A) -> io::Result<Facts>
    where
        A: Future<Output = io::Result<u32>>,
    {
        // The kernel answers these without waiting for a disk or for the process. In a flood, a thread would wait for its
        // turn longer than it reads.
        let started = StartTime::of(process)?;
        let mut facts = unchanged(process, started, Facts::read(process)?)?;
        if facts.is_sandboxed {
            let read = move || unchanged(process, started, facts.application(process)?);
            facts = aside(&self.sandbox_lookups, read).await?;
        }
        if confirm(started).await? == process { Ok(facts) } else { Err(changed()) }
    }
}

/// The facts, if the process is still the one that started at this time.
fn unchanged(process: u32, started: StartTime, facts: Facts) -> io::Result<Facts> {
    if StartTime::of(process)? == started { Ok(facts) } else { Err(changed()) }
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
mod tests;
