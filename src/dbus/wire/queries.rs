//! Calls that zbus answers by itself: for properties, for the tree, for its description. Of one client few of them are
//! answered at once, and the others wait here: their replies are long, and the bus carries them bit by bit while
//! everybody else waits.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;
use zbus::message::Message;

use crate::access::{Limits, Refusal, Ticket, What};

/// How many queries of one client are answered at once.
const AT_ONCE: usize = 4;

/// The queries under way; clones are the same.
#[derive(Clone, Debug)]
pub(in super::super) struct Queries {
    /// By unique name.
    clients: Arc<Mutex<HashMap<String, Client>>>,
    limits: Limits,
    released: mpsc::UnboundedSender<Message>,
}

#[derive(Debug, Default)]
struct Client {
    /// By the serial numbers of those whose replies have not left.
    delivered: HashMap<u32, Ticket>,
    held: VecDeque<(Message, Ticket)>,
}

impl Queries {
    /// None yet, and where those will come from that have waited.
    pub(in super::super) fn new(limits: Limits) -> (Self, mpsc::UnboundedReceiver<Message>) {
        let (released, receiver) = mpsc::unbounded_channel();
        (Self { clients: Arc::default(), limits, released }, receiver)
    }

    /// Whether this query may be answered now; if not, it will be released later.
    ///
    /// # Errors
    ///
    /// [`Refusal::Busy`] when too many wait.
    pub(super) fn admit(&self, client: &str, query: &Message) -> Result<bool, Refusal> {
        let mut ticket = self.limits.admit(client, What::Query)?;
        ticket.enter(None)?;
        let mut clients = self.clients();
        let record = clients.entry(client.to_owned()).or_default();
        if record.delivered.contains_key(&serial(query)) {
            // No honest client uses a number again before it has its reply.
            return Err(Refusal::Busy);
        }
        let is_now = record.delivered.len() < AT_ONCE;
        if is_now {
            record.delivered.insert(serial(query), ticket);
        } else {
            record.held.push_back((query.clone(), ticket));
        }
        Ok(is_now)
    }

    /// A reply has left; to which call doesn't matter.
    pub(super) fn answered(&self, client: &str, serial_number: u32) {
        let mut clients = self.clients();
        let Some(record) = clients.get_mut(client) else { return };
        if record.delivered.remove(&serial_number).is_none() {
            return;
        }
        if let Some((next, ticket)) = record.held.pop_front() {
            record.delivered.insert(serial(&next), ticket);
            // An error means that the daemon is ending.
            let _ = self.released.send(next);
        } else if record.delivered.is_empty() {
            clients.remove(client);
        }
    }

    /// This client has left: nobody will get these replies.
    pub(in super::super) fn forget(&self, client: &str) {
        self.clients().remove(client);
    }

    fn clients(&self) -> MutexGuard<'_, HashMap<String, Client>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn serial(query: &Message) -> u32 {
    query.primary_header().serial_num().get()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;
    use crate::config;

    fn query() -> Message {
        Message::method_call("/", "Ping").build(&()).unwrap()
    }

    #[test]
    fn few_are_answered_at_once_and_the_others_wait_in_line() {
        let config = config::Limits { queries_per_client: 6, queries: 7, ..config::Limits::default() };
        let (queries, mut released) = Queries::new(Limits::new(config, Arc::new(SystemClock::new())));
        let all: Vec<_> = (0..7).map(|_| query()).collect();
        let admitted = |query| queries.admit("a", query);
        let answers: Vec<_> = all.iter().map(admitted).collect();
        let (now, later, refused) = (Ok(true), Ok(false), Err(Refusal::Busy));
        assert_eq!(answers, [now, now, now, now, later, later, refused]);
        assert_eq!(queries.admit("b", &all[0]), now);
        assert_eq!(queries.admit("c", &all[0]), refused, "all together");
        queries.answered("a", serial(&all[6]));
        assert!(released.try_recv().is_err(), "that one was refused");
        queries.answered("a", serial(&all[2]));
        assert_eq!(serial(&released.try_recv().unwrap()), serial(&all[4]));
        assert_eq!(queries.admit("a", &all[0]), refused, "one number, one reply");
        assert_eq!(queries.admit("a", &query()), later);
        for client in ["a", "b"] {
            queries.forget(client);
        }
        assert!(queries.clients().is_empty());
        assert_eq!(queries.admit("d", &all[0]), now, "nothing counts any more");
    }

    #[test]
    fn what_is_answered_leaves_nothing_behind() {
        let (queries, mut released) =
            Queries::new(Limits::new(config::Limits::default(), Arc::new(SystemClock::new())));
        let mut waiting = VecDeque::new();
        for query in (0..20).map(|_| query()) {
            if queries.admit("a", &query).unwrap() {
                waiting.push_back(query);
            }
        }
        let mut answered = 0;
        while let Some(query) = waiting.pop_front() {
            queries.answered("a", serial(&query));
            waiting.extend(released.try_recv());
            answered += 1;
        }
        assert!(answered == 20 && queries.clients().is_empty(), "{answered}");
    }
}
