//! The clients: one [`Client`] for each unique name, with everything that belongs to it.
//!
//! A client exists from its first message until it leaves the bus, and everything of it is removed with it. The bus never
//! reuses a unique name.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use futures_util::StreamExt;
use tokio::sync::{Notify, Semaphore, mpsc, oneshot};
use zbus::message::Message;
use zbus::{Connection, fdo};

use super::args::Readers;
use super::census::{Census, Counted};
use super::client::Client;
use super::descriptors::{Closers, Held};
use super::error::Error;
use super::questions::Questions;
use crate::access::{CallClass, Caller, Identifier, Limits, Refusal};
use crate::clock::Clock;
use crate::secret::SecretText;
use crate::sync::IgnorePoison;

/// The number of clients that are identified at once because of their first message.
const MAX_NEWCOMERS: usize = 16;

/// All clients, and their shared data.
#[derive(Debug)]
pub(super) struct Clients {
    by_name: Mutex<HashMap<String, Arc<Client>>>,
    pub(super) limits: Limits,
    identifier: Identifier,
    /// The permits to identify clients at their first message.
    pub(super) newcomers: Semaphore,
    pub(super) questions: Questions,
    readers: Readers,
    pub(super) closers: Closers,
    /// Told when a client was identified.
    pub(super) identified: Notify,
    /// The receiver of released queries.
    released: OnceLock<mpsc::UnboundedSender<Message>>,
    census: Census,
}

impl Clients {
    /// An empty set.
    pub(super) fn new(limits: Limits, clock: Arc<dyn Clock>) -> Self {
        let closers = Closers::new();
        Self {
            by_name: Mutex::default(),
            limits,
            identifier: Identifier::default(),
            newcomers: Semaphore::new(MAX_NEWCOMERS),
            questions: Questions::new(closers.clone()),
            readers: Readers::new(clock),
            closers,
            identified: Notify::new(),
            released: OnceLock::new(),
            census: Census::default(),
        }
    }

    /// Sets the receiver of released queries.
    pub(super) fn release_to(&self, released: mpsc::UnboundedSender<Message>) {
        // There is one connection to the bus, so this is called once.
        let _ = self.released.set(released);
    }

    /// The client with this unique name, created at its first message.
    pub(super) fn client(&self, name: &str) -> Arc<Client> {
        let mut clients = self.by_name();
        if let Some(client) = clients.get(name) {
            return Arc::clone(client);
        }
        let client = Arc::new(Client::new(name, &self.census));
        clients.insert(name.to_owned(), Arc::clone(&client));
        client
    }

    /// The identity of this client. If something cannot be read, the identity is unknown.
    pub(super) async fn identify(&self, connection: &Connection, client: &Client) -> Arc<Caller> {
        let known = client.identity();
        let identified = match known.remembered() {
            Some(caller) => return caller,
            None => {
                let connection = self.questions.connection(connection).await;
                self.identifier.identify(&connection, client.name(), known).await
            }
        };
        if identified.has_left {
            // It left before its call was handled, and there will be no further signal.
            self.leave(client.name());
        }
        identified.caller
    }

    /// Records the program of a client, which its messages and descriptors count for from now on.
    pub(super) fn know(&self, client: &Client, program: &str) {
        self.limits.know(client.counts(), program);
        self.closers.know(client.name(), &client.counts().program());
    }

    /// Reads a secret as [`Readers::read`] does.
    pub(super) async fn read(
        &self,
        descriptor: (Held, Counted),
        client: &Client,
        program: &str,
    ) -> Result<SecretText, Error> {
        self.readers.read(descriptor, client.descriptors(), program).await
    }

    /// Whether a query may be answered now; otherwise it is released later.
    ///
    /// # Errors
    ///
    /// [`Refusal::Busy`] if too many wait.
    pub(super) fn admit_query(&self, client: &Client, query: &Message) -> Result<bool, Refusal> {
        let mut permit = self.limits.admit(client.counts(), CallClass::Query)?;
        permit.admit_program(None)?;
        client.admit_query(query, permit)
    }

    /// Records that the reply to this call of this client was sent.
    pub(super) fn replied(&self, name: &str, serial: u32) {
        let Some(client) = self.by_name().get(name).cloned() else { return };
        if let Some(query) = client.replied(serial) {
            // An error means that the daemon is ending.
            let _ = self.released.get().map(|released| released.send(query));
        }
    }

    /// Drops all kept results, with the secrets in them. Running operations stay.
    pub(super) fn drop_results(&self) {
        let clients: Vec<_> = self.by_name().values().cloned().collect();
        clients.iter().for_each(|client| client.limit_results(0));
    }

    /// Removes a client that has left the bus, with everything of it.
    fn leave(&self, name: &str) {
        if let Some(client) = self.by_name().remove(name) {
            client.leave();
        }
        tracing::debug!("{name} has left; in memory are {}", self.census);
    }

    fn by_name(&self) -> MutexGuard<'_, HashMap<String, Arc<Client>>> {
        self.by_name.lock().ignore_poison()
    }
}

/// Removes clients that leave, until the bus is lost. `listening` is answered when no later departure can be missed.
///
/// # Errors
///
/// If the bus refuses the match rule.
pub(super) async fn watch(
    connection: &Connection,
    clients: &Clients,
    listening: oneshot::Sender<()>,
) -> zbus::Result<()> {
    let bus = fdo::DBusProxy::new(connection).await?;
    // Only signals without a new owner.
    let mut departures = bus.receive_name_owner_changed_with_args(&[(2, "")]).await?;
    // An error means that the daemon is ending.
    let _ = listening.send(());
    while let Some(departure) = departures.next().await {
        clients.leave(departure.args()?.name.as_str());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::FutureExt;

    use super::*;
    use crate::clock::ManualClock;
    use crate::config;
    use crate::dbus::args::Map;
    use crate::operations::{Cancellation, Deadline, Kind, Operations, Request, Requester, State};

    const EMPTY: &str = "clients 0, calls 0, operations 0, descriptors 0, queries 0, replies 0";

    fn clients(config: config::Limits) -> (Clients, Operations) {
        let clock = Arc::new(ManualClock::at(Duration::from_secs(1_000)));
        let operations = Operations::new(clock.clone()).0;
        (Clients::new(Limits::new(config, clock.clone()), clock), operations)
    }

    fn request(client: &Client) -> Request {
        Request {
            kind: Kind::Calculate,
            caller: client.name().to_owned(),
            requester: Requester { kind: "unknown".to_owned(), name: String::new() },
            handle: Some("a".to_owned()),
            credential: None,
            token: None,
            interactive: true,
            own_prompt: false,
            wait_for_token: false,
            deadline: Deadline::after(Duration::from_secs(22), &ManualClock::at(Duration::ZERO)),
        }
    }

    fn query() -> Message {
        Message::method_call("/", "Ping").build(&()).unwrap()
    }

    #[test]
    fn everything_of_a_client_is_removed_with_it_and_nothing_of_another() {
        let (clients, operations) = clients(config::Limits::default());
        let (client, other) = (clients.client(":1.7"), clients.client(":1.8"));
        let running = client.begin(&operations, request(&client)).unwrap();
        let others = other.begin(&operations, request(&other)).unwrap();
        for _ in 0..9 {
            clients.admit_query(&client, &query()).unwrap();
        }
        let call = query();
        let sent = client.reply_sent(&call.header());
        assert_eq!(client.begin(&operations, request(&client)).unwrap_err(), Error::handle_in_use());
        clients.leave(":1.7");
        assert_eq!(running.cancelled().now_or_never(), Some(Cancellation::CallerGone));
        assert!(running.is_orphan() && client.left().is_cancelled() && !other.left().is_cancelled());
        assert!(others.cancelled().now_or_never().is_none());
        assert!(sent.now_or_never().unwrap().is_err(), "the receiver is dropped");
        let late = client.begin(&operations, Request { handle: None, ..request(&client) }).unwrap();
        assert_eq!(late.cancelled().now_or_never(), Some(Cancellation::CallerGone));
        for operation in [running, late] {
            operation.end(State::Cancelled);
            client.forget(&operation);
        }
        other.forget(&others);
        clients.leave(":1.8");
        drop((client, other));
        assert_eq!(clients.census.to_string(), EMPTY);
    }

    #[test]
    fn results_are_removed_with_their_client() {
        let (clients, operations) = clients(config::Limits::default());
        let client = clients.client(":1.7");
        let operation = client.begin(&operations, request(&client)).unwrap();
        operation.end(State::Done);
        client.keep(&operation, Map::new());
        assert!(client.result(&operation).is_some());
        clients.leave(":1.7");
        assert!(client.result(&operation).is_none());
        drop(client);
        assert_eq!(clients.census.to_string(), EMPTY);
    }

    #[test]
    fn queries_are_limited_for_one_client_and_for_all() {
        let config = config::Limits { queries_per_client: 6, queries: 7, ..config::Limits::default() };
        let (clients, _) = clients(config);
        let (release, mut released) = mpsc::unbounded_channel();
        clients.release_to(release);
        let [a, b, c] = [":1.1", ":1.2", ":1.3"].map(|name| clients.client(name));
        for client in [&a, &b, &c] {
            clients.limits.know(client.counts(), client.name());
        }
        let all: Vec<_> = (0..7).map(|_| query()).collect();
        let answers: Vec<_> = all.iter().map(|query| clients.admit_query(&a, query)).collect();
        let (now, later, refused) = (Ok(true), Ok(false), Err(Refusal::Busy));
        assert_eq!(answers, [now, now, now, now, later, later, refused]);
        assert_eq!(clients.admit_query(&b, &all[0]), now);
        assert_eq!(clients.admit_query(&c, &all[0]), refused, "all together");
        clients.replied(":1.1", all[2].primary_header().serial_num().get());
        assert_eq!(
            released.try_recv().unwrap().primary_header().serial_num(),
            all[4].primary_header().serial_num()
        );
        clients.leave(":1.1");
        assert_eq!(clients.admit_query(&c, &all[0]), now, "none of its queries counts any more");
    }
}
