//! Calls that zbus answers by itself: for properties, for the tree, for its description. Of one client few of them are
//! answered at once, and the others wait here: their replies are long, and the bus carries them bit by bit while
//! everybody else waits.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;
use zbus::message::Message;

use crate::access::{Limits, Refusal};

/// How many queries of one client are answered at once.
const AT_ONCE: usize = 4;

/// The queries under way; clones are the same.
#[derive(Clone, Debug)]
pub(in super::super) struct Queries {
    state: Arc<Mutex<State>>,
    limits: Limits,
    released: mpsc::UnboundedSender<Message>,
}

#[derive(Debug, Default)]
struct State {
    total: usize,
    /// By unique name.
    clients: HashMap<String, Client>,
}

#[derive(Debug, Default)]
struct Client {
    /// The serial numbers of those whose replies have not left.
    delivered: HashSet<u32>,
    held: VecDeque<Message>,
}

impl Queries {
    /// None yet, and where those will come from that have waited.
    pub(in super::super) fn new(limits: Limits) -> (Self, mpsc::UnboundedReceiver<Message>) {
        let (released, receiver) = mpsc::unbounded_channel();
        (Self { state: Arc::default(), limits, released }, receiver)
    }

    /// Whether this query may be answered now; if not, it will be released later.
    ///
    /// # Errors
    ///
    /// [`Refusal::Busy`] when too many wait.
    pub(super) fn admit(&self, client: &str, query: &Message) -> Result<bool, Refusal> {
        let (own, all) = self.limits.queries();
        let mut state = self.state();
        if state.total >= all {
            return Err(Refusal::Busy);
        }
        let record = state.clients.entry(client.to_owned()).or_default();
        if record.held.len() + record.delivered.len() >= own {
            return Err(Refusal::Busy);
        }
        let is_now = record.delivered.len() < AT_ONCE;
        if !is_now {
            record.held.push_back(query.clone());
        } else if !record.delivered.insert(query.primary_header().serial_num().get()) {
            // No honest client uses a number again before it has its reply.
            return Err(Refusal::Busy);
        }
        state.total += 1;
        Ok(is_now)
    }

    /// A reply has left; to which call doesn't matter.
    pub(super) fn answered(&self, client: &str, serial: u32) {
        let mut state = self.state();
        let Some(record) = state.clients.get_mut(client) else { return };
        if !record.delivered.remove(&serial) {
            return;
        }
        let next = record.held.pop_front();
        if let Some(next) = next {
            record.delivered.insert(next.primary_header().serial_num().get());
            // An error means that the daemon is ending.
            let _ = self.released.send(next);
        } else if record.delivered.is_empty() {
            state.clients.remove(client);
        }
        state.total = state.total.saturating_sub(1);
    }

    /// This client has left: nobody will get these replies.
    pub(in super::super) fn forget(&self, client: &str) {
        let mut state = self.state();
        if let Some(record) = state.clients.remove(client) {
            state.total = state.total.saturating_sub(record.held.len() + record.delivered.len());
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;
    use crate::config;

    fn query() -> Message {
        Message::method_call("/", "Ping").build(&()).unwrap()
    }

    fn serial(query: &Message) -> u32 {
        query.primary_header().serial_num().get()
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
        assert_eq!(queries.admit("a", &all[0]), later);
        for client in ["a", "b"] {
            queries.forget(client);
        }
        let state = queries.state();
        assert!(state.clients.is_empty() && state.total == 0, "{state:?}");
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
        let state = queries.state();
        assert!(answered == 20 && state.clients.is_empty() && state.total == 0, "{answered} {state:?}");
    }
}
